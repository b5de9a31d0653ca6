import type { Command } from "commander";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";

/** With `--json`, `{"certificate": PEM}`. */
export function define(command: Command, context: Context): void {
  withServer(command).action(async (options: CommonOptions) => {
    const certificate = await (await context.client(options)).ca();
    if (options.json === true) return await context.printJson({ certificate });
    await context.print(certificate.trimEnd());
  });
}
