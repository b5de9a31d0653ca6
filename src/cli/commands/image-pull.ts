import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { count, formatBytes } from "../human.ts";
import { Progress } from "../progress.ts";

/** With `--json`, the ImageView. */
export function define(command: Command, context: Context): void {
  command.argument("<reference>", "`registry.example.com/team/site:v2`, or by its digest `…@sha256:…`");
  withServer(command).action(async (reference: string, options: CommonOptions) => {
    const { io } = context;
    const client = await context.client(options);
    const progress = new Progress(io.stderr);
    const image = await progress.during((tell) => client.pullImage(reference, tell, io.signal));
    if (options.json === true) return await context.printJson(image);
    const what = image.kind === "program" ? "a program" : `a site of ${count(image.files, "file")}`;
    const until = image.uses.length === 0 ? "\nNo release uses it: it is kept until the next garbage collection." : "";
    await context.print(`${image.digest}: ${what}, ${formatBytes(image.bytes)}${until}`);
  });
}
