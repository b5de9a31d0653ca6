import type { Command } from "commander";
import type { Release } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatAge, short } from "../human.ts";
import { formatTable } from "../table.ts";

/** With `--json`, an array of Release, the newest first. */
export function define(command: Command, context: Context): void {
  command.argument("<app>");
  withServer(command).action(async (name: string, options: CommonOptions) => {
    const client = await context.client(options);
    const releases = await client.releases(name);
    if (options.json === true) return await context.printJson(releases);
    if (releases.length === 0) {
      const { image } = (await client.app(name)).definition;
      const first =
        image === null
          ? `Push a tag, or: steppe deploy ${name} --dir FOLDER`
          : `Push an image to ${image.repository}, or: steppe deploy ${name} --image ${image.repository}:TAG`;
      return await context.print(`${name} has no releases yet. ${first}`);
    }
    const { style, io } = context;
    const now = io.clock.now();
    const rows = releases.map((release) => [
      String(release.number),
      release.live ? style.green("live") : "",
      originOf(release),
      release.commit === null ? "-" : short(release.commit),
      short(release.image),
      formatAge(release.createdAt, now),
    ]);
    await context.print(formatTable([["RELEASE", "", "OF", "COMMIT", "IMAGE", "MADE"].map(style.dim), ...rows]));
  });
}

/** A tag or branch of git, an image of a registry, a folder. */
function originOf({ ref, reference }: Release): string {
  if (ref !== null) return ref.replace(/^refs\/(tags|heads)\//, "");
  if (reference === null) return "a folder";
  // Its digest may be of an index; that of the image has a column of its own.
  return reference.replace(/@.*$/, "");
}
