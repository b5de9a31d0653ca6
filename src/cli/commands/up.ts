import type { Command } from "commander";
import { parseUpOptions, upOptions } from "../../config/index.ts";
import type { Context } from "../context.ts";
import { usageError } from "../usage-error.ts";

/**
 * Only the help and the check of the options: the launcher, bin/steppe, starts the control process for `up`, and starts it
 * again when it dies.
 */
export function define(command: Command, { io }: Context): void {
  for (const { name, value, description, fallback, variable, hidden } of upOptions) {
    if (hidden === true) continue;
    const notes = [fallback && `default ${fallback}`, variable && `or ${variable}`].filter(Boolean).join("; ");
    command.option(
      `--${name}${value === undefined ? "" : ` <${value}>`}`,
      notes === "" ? description : `${description} (${notes})`,
    );
  }
  command.addHelpText(
    "after",
    `
HOST:PORT: 127.0.0.1:8080, [::1]:8080, or :8080 for every address; port 0 takes a free one.
Ctrl-C and SIGTERM stop it; SIGHUP restarts the control process, and visitors notice nothing.`,
  );
  command.allowUnknownOption().allowExcessArguments();
  command.action(() => {
    const given = command.parent?.args ?? command.args;
    parseUpOptions(given, io.env, io.cwd);
    throw usageError("steppe up", "it was not started by its launcher", "Run bin/steppe, or `npx steppe up`.");
  });
}
