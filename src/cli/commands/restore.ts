import { resolve } from "node:path";
import type { Command } from "commander";
import { entryFile } from "../../shared/entry-file.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

interface Options extends CommonOptions {
  force?: boolean;
}

/**
 * Done by the program of the control process, which knows the data folder and takes its lock, so that it is refused while Steppe
 * runs there. It says how it went, and its exit code is ours.
 */
export function define(command: Command, context: Context): void {
  command
    .argument("<file>", "what `steppe backup` wrote, or one of the files in `backups/` of the data folder")
    .option("--force", "also into a folder that holds data; what is there is moved aside");
  withServer(command).action(async (file: string, options: Options) => {
    const { io } = context;
    const folder = options.data ?? (io.env["STEPPE_DATA"] || "./.steppe");
    const args = ["--restore", resolve(io.cwd, file), "--data", resolve(io.cwd, folder)];
    if (options.force === true) args.push("--force");
    if (options.json === true) args.push("--json");
    context.exitCode = await io.runAttached(io.execPath, [entryFile("control"), ...args], io.env);
  });
}
