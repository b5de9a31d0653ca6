import type { Command } from "commander";
import type { RemovalView } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  yes?: boolean;
}

/** With `--json`, `{"removed": NAME}`, and what became of its job on Nomad if it has one. */
export function define(command: Command, context: Context): void {
  command.argument("<app>").option("-y, --yes", "do not ask");
  withServer(command).action(async (name: string, options: Options) => {
    const client = await context.client(options);
    const removal = await client.removal(name); // that it exists, before anybody is asked
    const question = `Remove ${name}, with its repository, releases and logs?${before(removal)}`;
    await context.confirm(question, `steppe app remove ${name}`, options.yes);
    await client.removeApp(name);
    const { job, isStopped } = removal;
    if (options.json === true) {
      return await context.printJson({ removed: name, ...(job === null ? {} : { job, isStopped }) });
    }
    await context.print(`${name} is removed${after(removal)}`);
  });
}

function before({ job, isStopped }: RemovalView): string {
  if (job === null) return "";
  return isStopped
    ? ` Its job ${job} on Nomad is stopped, with all its instances: nothing serves its visitors any more.`
    : ` Its job ${job} on Nomad goes on: Steppe did not register it as it is.`;
}

function after({ job, isStopped }: RemovalView): string {
  if (job === null) return "";
  return `; its job ${job} on Nomad ${isStopped ? "was stopped" : "goes on"}`;
}
