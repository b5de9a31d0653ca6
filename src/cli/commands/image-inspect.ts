import type { Command } from "commander";
import type { ImageDetails } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { findImage } from "../find-image.ts";
import { formatBytes } from "../human.ts";
import { formatTable } from "../table.ts";

/** With `--json`, the ImageDetails, with manifest and config whole. */
export function define(command: Command, context: Context): void {
  command.argument(
    "<image>",
    "a digest that is kept here, `APP`, `APP:RELEASE`, or the reference of an image in a registry",
  );
  withServer(command).action(async (image: string, options: CommonOptions) => {
    const client = await context.client(options);
    const details = await client.inspectImage(await findImage(client, image, { orReference: true }));
    if (options.json === true) return await context.printJson(details);
    await context.print(describe(details));
  });
}

function describe(details: ImageDetails): string {
  const { digest, reference, kept, platforms, mediaType, layers, served, config } = details;
  const inner = config?.["config"];
  const of = (key: string): string | undefined => {
    const value = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined;
    return value === undefined || value === null || value === "" ? undefined : JSON.stringify(value);
  };
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  const facts: Array<[string, string | undefined]> = [
    ["image", reference ?? undefined],
    ["digest", digest],
    ["kept here", kept === null ? "no" : `yes, as a ${kept === "program" ? "program" : "site"}`],
    ["served", served.by === null ? `no: ${served.why}` : `yes: ${served.why}`],
    ["platforms", platforms.join(", ")],
    ["type", mediaType],
    ["entrypoint", of("Entrypoint")],
    ["command", of("Cmd")],
    ["user", of("User")],
    ["folder", of("WorkingDir")],
    ["labels", of("Labels")],
    ["layers", `${layers.length}, ${formatBytes(bytes)}`],
  ];
  const rows = facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const list = layers.map((layer) => [`  ${layer.digest}`, formatBytes(layer.size), layer.mediaType]);
  return [formatTable(rows), ...(list.length === 0 ? [] : [formatTable(list)])].join("\n");
}
