import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Release } from "../../api/types.ts";
import { SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { extractLayout } from "../extract-layout.ts";
import { formatBytes, short } from "../human.ts";
import { writeWhole } from "../../shared/write-whole.ts";

interface Options extends CommonOptions {
  output?: string;
}

/** With `--json`, `{"app", "release", "image", "output", "bytes"}`. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .argument("[release]", "its number; the one that is live, if absent")
    .option(
      "-o, --output <path>",
      "an archive, by default APP-RELEASE.tar; or a folder: one that is there, or a name that ends in `/`; `-` is standard output",
    );
  withServer(command).action(async (app: string, number: string | undefined, options: Options) => {
    const wanted = number === undefined ? undefined : wholeNumber(number, "the release", "steppe image export");
    const { io } = context;
    const client = await context.client(options);
    const release = findRelease(await client.releases(app), app, wanted);
    const archive = client.image(app, release.number, io.signal);
    if (options.output === "-") {
      for await (const chunk of archive) await io.stdout.write(chunk);
      return;
    }
    const given = options.output ?? `${app}-${release.number}.tar`;
    const output = resolve(io.cwd, given);
    const asFolder = given.endsWith("/") || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true;
    const bytes = asFolder ? await extractLayout(archive, output) : await writeWhole(output, archive, 0o666);
    const image = release.image;
    if (options.json === true) return await context.printJson({ app, release: release.number, image, output, bytes });
    const address = asFolder ? `oci:${output}:${release.number}` : `oci-archive:${output}`;
    await context.print(
      `${output} (${formatBytes(bytes)}): ${app}, release ${release.number}, image ${short(image)}\nRead it: skopeo inspect ${address}`,
    );
  });
}

function findRelease(releases: readonly Release[], app: string, number: number | undefined): Release {
  const found = releases.find((release) => (number === undefined ? release.live : release.number === number));
  if (found !== undefined) return found;
  throw new SteppeError("RELEASE_NOT_FOUND", {
    operation: "export the image of",
    subject: number === undefined ? app : `${app}, release ${number}`,
    cause: number === undefined ? "no release of it is live" : "there is no such release",
    hint: `\`steppe releases ${app}\` lists those that are kept.`,
  });
}
