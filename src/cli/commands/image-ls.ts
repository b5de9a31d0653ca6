import type { Command } from "commander";
import type { ImageView } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { grouped } from "../../shared/grouped.ts";
import { formatAge, formatBytes, short } from "../human.ts";
import { formatTable } from "../table.ts";

/** With `--json`, an array of ImageView, the newest first. */
export function define(command: Command, context: Context): void {
  withServer(command).action(async (options: CommonOptions) => {
    const images = await (await context.client(options)).images();
    if (options.json === true) return await context.printJson(images);
    if (images.length === 0) return await context.print("No image is kept yet.");
    const { style, io } = context;
    const now = io.clock.now();
    const rows = images.map((image) => [
      short(image.digest),
      image.kind,
      image.kind === "program" ? "-" : grouped(image.files),
      formatBytes(image.bytes),
      usedBy(image),
      sourceOf(image),
      formatAge(image.createdAt, now),
    ]);
    const heads = ["IMAGE", "KIND", "FILES", "SIZE", "USED BY", "OF", "MADE"].map(style.dim);
    await context.print(formatTable([heads, ...rows]));
  });
}

/** `blog 3 (live), 2`, and of what nothing needs, until when it stays. */
function usedBy({ uses }: ImageView): string {
  if (uses.length === 0) return "nothing, until gc";
  const apps = new Map<string, string[]>();
  for (const { app, release, live } of uses) {
    apps.set(app, [...(apps.get(app) ?? []), live ? `${release} (live)` : String(release)]);
  }
  return [...apps].map(([app, releases]) => `${app} ${releases.join(", ")}`).join("; ");
}

function sourceOf({ uses }: ImageView): string {
  const [use] = uses;
  if (use === undefined) return "-";
  // A digest in it is that of the image, or of the index that it was taken from: no line of a terminal has room for it.
  return use.source === null
    ? "a folder"
    : use.source.replace(/^refs\/(tags|heads)\//, "").replace(/@sha256:[0-9a-f]{64}$/, "");
}
