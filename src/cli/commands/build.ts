import type { Command } from "commander";
import { gather, gatherList, withJson } from "../common-options.ts";
import type { Context } from "../context.ts";
import type { BuildOptions } from "../build-folder.ts";

/** With `--json`, `{"image", "reference", "platforms", "files", "bytes", "layers", "pushed", "output"}`. */
export function define(command: Command, context: Context): void {
  withJson(
    command
      .argument("<folder>", "the site")
      .option("--base <image>", "what the site is put on: a reference, or `oci:FOLDER`", "steppe/static")
      .option("-t, --tag <reference>", "what the image is called: `registry.example.com/team/site:v2`")
      .option("--push", "push it to its registry")
      .option("-o, --output <path>", "write it to `oci:FOLDER`, an image layout, or to `FILE.tar`, for `docker load`")
      .option("--platform <list>", "`linux/amd64`, …; all of the base's, if absent", gatherList)
      .option("--compress <how>", "how layers are compressed: gzip, zstd or none", "gzip")
      .option("--precompress", "add the compressed forms of files (br, zst, gz), which `steppe/static` serves")
      .option("--label <name=value>", "a label of the image; may be given several times", gather)
      .option("--insecure-registry <host>", "a registry that is spoken to by plain HTTP", gather),
  ).action(async (folder: string, options: BuildOptions) => {
    // Readers, writers and the client of registries are of no other command.
    const { buildFolder } = await import("../build-folder.ts");
    await buildFolder(context, folder, options);
  });
}
