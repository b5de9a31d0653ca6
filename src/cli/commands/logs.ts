import type { Command } from "commander";
import { describeAccess } from "../access-line.ts";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { printable } from "../../shared/style.ts";
import { usageError } from "../usage-error.ts";

interface Options extends CommonOptions {
  follow?: boolean;
  build?: boolean;
  deployment?: string;
  lines?: string;
}

/** With `--json`, NDJSON: `{"line": TEXT}` for each line. Following ends with Ctrl-C, and that is no failure. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .option("--follow", "go on with what comes, until Ctrl-C")
    .option("--build", "the log of its newest build in place of its access log")
    .option("--deployment <number>", "with --build: the build of this deployment")
    .option("--lines <number>", "how many of the last lines (default 100; of a build all)");
  withServer(command).action(async (name: string, options: Options) => {
    const { signal } = context.io;
    if (options.deployment !== undefined && options.build !== true) {
      throw usageError("steppe logs", "--deployment wants --build");
    }
    const number = (text: string | undefined, option: string): number | undefined =>
      text === undefined ? undefined : wholeNumber(text, option, "steppe logs");
    const lines = number(options.lines, "--lines");
    const deployment = number(options.deployment, "--deployment");
    const follow = options.follow === true;
    const client = await context.client(options);
    const log =
      options.build === true
        ? client.buildLog(name, { lines, follow, deployment, signal })
        : client.accessLog(name, { lines: lines ?? 100, follow, signal });
    let printed = 0;
    try {
      for await (const line of log) {
        printed++;
        if (options.json === true) await context.printJson({ line });
        else await context.print(context.io.stdout.isTTY ? forTerminal(line, options) : line);
      }
    } catch (error) {
      if (!(follow && signal.aborted)) throw error;
    }
    if (printed === 0 && options.json !== true) {
      await context.note(
        options.build === true ? `${name} has no build log` : `Nobody has asked ${name} for anything yet`,
      );
    }
  });
}

/** The access log is JSON, for programs; a terminal has a person in front of it. */
function forTerminal(line: string, { build }: Options): string {
  return printable(build === true ? line : describeAccess(line));
}
