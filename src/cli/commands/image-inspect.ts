import type { Command } from "commander";
import type { ImageDetails } from "../../api/types.ts";
import { SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { findImage } from "../find-image.ts";
import { formatBytes } from "../human.ts";
import type { Client } from "../io.ts";
import { formatTable } from "../table.ts";

/** With `--json`, the ImageDetails, with manifest and config whole. */
export function define(command: Command, context: Context): void {
  command.argument(
    "<image>",
    "a digest that is kept here, `APP`, `APP:RELEASE`, or the reference of an image in a registry",
  );
  withServer(command).action(async (image: string, options: CommonOptions) => {
    const client = await context.client(options);
    const details = await inspect(client, image);
    if (options.json === true) return await context.printJson(details);
    await context.print(describe(details));
  });
}

/** A name without a registry is mostly meant for an app: that Docker Hub was asked for it is said, if it knows none or is not to be reached. */
async function inspect(client: Client, image: string): Promise<ImageDetails> {
  const found = await findImage(client, image, { orReference: true });
  try {
    return await client.inspectImage(found);
  } catch (error) {
    if (found !== image || /[/@]/.test(image) || !(error instanceof SteppeError)) throw error;
    const hint = `No app and no image that is kept is called \`${image}\`, so Docker Hub was asked; \`steppe app list\` and \`steppe image ls\` show what is here.`;
    const { code, operation, subject, reason: cause, detail } = error;
    throw new SteppeError(code, { operation, subject, cause, hint, detail }, { cause: error });
  }
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
