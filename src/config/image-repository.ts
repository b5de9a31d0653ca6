import { isDigest, isTag, readImageName } from "../shared/image-name.ts";
import { limits } from "./defaults.ts";
import type { Parsed } from "./parsed.ts";

/**
 * Checks the repository of an app's images, and gives it with its registry: `team/blog` is `docker.io/team/blog`. Which of its tags
 * deploy is said by other keys, so a tag or a digest is a mistake.
 */
export function parseImageRepository(text: string): Parsed<string> {
  if (text === "") return { problem: "is empty; leave it out" };
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) return { problem: `has a scheme; leave out \`${scheme}\`` };
  const at = text.indexOf("@");
  if (at !== -1 && isDigest(text.slice(at + 1))) {
    return { problem: "has a digest; leave it out: `tags` and `semver` say what deploys" };
  }
  const colon = text.lastIndexOf(":");
  const tag = text.slice(colon + 1);
  if (colon > text.lastIndexOf("/") && isTag(tag) && !text.startsWith("[")) {
    return { problem: `has a tag; leave out \`:${tag}\`: \`tags\` and \`semver\` say what deploys` };
  }
  const name = readImageName(text);
  if ("value" in name) return { value: `${name.value.registry}/${name.value.repository}` };
  return { problem: `is no repository of images: ${name.problem}; write \`registry.example.com/team/blog\`` };
}

/** Checks the folder of an image that is the site, an absolute path within the image, and gives it without `.` and doubled slashes. */
export function parseImageFolder(text: string): Parsed<string> {
  if (!text.startsWith("/")) return { problem: "does not begin with `/`; it is a folder of the image, such as `/www`" };
  if (/[\u0000-\u001f\u007f]/.test(text)) return { problem: "has a control character in it" };
  if (Buffer.byteLength(text) > limits.pathBytes) return { problem: "is longer than 1,024 bytes" };
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) return { problem: "has `..` in it; write the folder itself" };
  return { value: `/${names.join("/")}` };
}
