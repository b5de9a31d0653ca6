import { resolve } from "node:path";
import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatBytes } from "../human.ts";
import { writeWhole } from "../../shared/write-whole.ts";

/** With `--json`, `{"file", "bytes"}`. The file is there whole or not at all, and only its owner can read it: it holds keys. */
export function define(command: Command, context: Context): void {
  command.argument("[file]", "where to; `-` is standard output", "steppe-backup-DATE.tar");
  withServer(command).action(async (name: string, options: CommonOptions) => {
    const client = await context.client(options);
    const content = client.backup(context.io.signal);
    if (name === "-") {
      for await (const chunk of content) await context.io.stdout.write(chunk);
      return;
    }
    const date = new Date(context.io.clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
    const file = resolve(context.io.cwd, name === "steppe-backup-DATE.tar" ? `steppe-backup-${date}.tar` : name);
    const bytes = await writeWhole(file, content, 0o600);
    if (options.json === true) return await context.printJson({ file, bytes });
    await context.print(
      `${file} (${formatBytes(bytes)})\nIt holds keys and tokens: keep it where nobody else can read it.`,
    );
  });
}
