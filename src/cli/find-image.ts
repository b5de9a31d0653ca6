import { SteppeError } from "../shared/errors.ts";
import type { Client } from "./io.ts";

/**
 * The digest of an image as people name it: `sha256:…`, the begin of one that is kept, `APP` for its live release, `APP:RELEASE`.
 * With `orReference`, what is none of these is given back as it is: the reference of an image in a registry.
 * Throws RELEASE_NOT_FOUND, IMAGE_NOT_FOUND.
 */
export async function findImage(client: Client, text: string, { orReference = false } = {}): Promise<string> {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text;
  const [, app = "", number] = /^([a-z0-9][a-z0-9-]*)(?::(\d{1,9}))?$/.exec(text) ?? [];
  const apps = app === "" ? [] : await client.apps();
  if (apps.some(({ definition }) => definition.name === app)) {
    const releases = await client.releases(app);
    const found = releases.find((one) => (number === undefined ? one.live : one.number === Number(number)));
    if (found !== undefined) return found.image;
    throw new SteppeError("RELEASE_NOT_FOUND", {
      operation: "find the image of",
      subject: number === undefined ? app : `${app}, release ${number}`,
      cause: number === undefined ? "no release of it is live" : "there is no such release",
      hint: `\`steppe releases ${app}\` lists those that are kept.`,
    });
  }
  const begin = /^(?:sha256:([0-9a-f]+)|([0-9a-f]{6,64}))$/
    .exec(text)
    ?.slice(1)
    .find((digits) => digits !== undefined);
  const digests = begin === undefined ? [] : (await client.images()).map(({ digest }) => digest);
  const fitting = digests.filter((digest) => digest.startsWith(`sha256:${begin}`));
  const [only] = fitting;
  if (fitting.length === 1 && only !== undefined) return only;
  if (orReference && fitting.length === 0 && !text.startsWith("sha256:")) return text;
  const cause = fitting.length > 1 ? "several images begin so" : "it is neither an app nor an image that is kept";
  throw new SteppeError("IMAGE_NOT_FOUND", {
    operation: "find the image",
    subject: text,
    cause,
    hint: "`steppe image ls` lists those that are kept.",
  });
}
