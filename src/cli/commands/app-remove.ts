import type { Command } from "commander";
import type { RemovalView } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { removalOf } from "../removal-of.ts";

const UNKNOWN =
  "Nomad cannot be reached, so what becomes of the app's job is not known: the removal waits for it, and is finished at the server's next start if it does not come back";

interface Options extends CommonOptions {
  yes?: boolean;
}

/** With `--json`, `{"removed": NAME}`, and what became of its job on Nomad if it has one. */
export function define(command: Command, context: Context): void {
  command.argument("<app>").option("-y, --yes", "do not ask");
  withServer(command).action(async (name: string, options: Options) => {
    const client = await context.client(options);
    const removal = await removalOf(client, name, options.yes === true); // that it exists, before anybody is asked
    if (removal === undefined) await context.note(UNKNOWN);
    const question = `Remove ${name}, with its repository, releases and logs?${before(removal)}`;
    await context.confirm(question, `steppe app remove ${name}`, options.yes);
    await client.removeApp(name);
    if (options.json === true) {
      const { job = null, isStopped = false } = removal ?? {};
      return await context.printJson({ removed: name, ...(job === null ? {} : { job, isStopped }) });
    }
    await context.print(`${name} is removed${after(removal)}`);
  });
}

function before(removal: RemovalView | undefined): string {
  if (removal === undefined || removal.job === null) return "";
  const { job, isStopped } = removal;
  return isStopped
    ? ` Its job ${job} on Nomad is stopped, with all its instances: nothing serves its visitors any more.`
    : ` Its job ${job} on Nomad goes on: Steppe did not register it as it is.`;
}

function after(removal: RemovalView | undefined): string {
  if (removal === undefined) return "; whether its job on Nomad was stopped is not known";
  const { job, isStopped } = removal;
  if (job === null) return "";
  return `; its job ${job} on Nomad ${isStopped ? "was stopped" : "goes on"}`;
}
