import { isUtf8 } from "node:buffer";
import { SteppeError } from "../shared/errors.ts";
import { terminalControls } from "../shared/style.ts";
import type { SourceEntry } from "./source-tree.ts";

/** The longest path of a file of a site, in bytes. */
export const LONGEST_PATH = 1024;

/** Of what lies at the root of a repository, what is for Steppe and not for visitors. */
const NOT_SITE = new Set(["steppe.yaml", "Dockerfile"]);
/** Bytes of a path that a message shows whole. */
const MOST_SHOWN = 160;
const DOT = 0x2e;
const SLASH = 0x2f;
const WELL_KNOWN = ".well-known";

/** Whether a name is hidden, and so no part of a site. RFC 8615's `.well-known` is for visitors. */
export function isHidden(name: string): boolean {
  return name.startsWith(".") && name !== WELL_KNOWN;
}

/** Whether a name at the root of a repository is no part of the site. */
export function isNotSite(name: string): boolean {
  return NOT_SITE.has(name);
}

/** As `isHidden`, of any name in a path as bytes. Looks at each file of a site: it makes no strings unless it must. */
export function hasHiddenName(path: Buffer): boolean {
  if (path[0] !== DOT && !path.includes("/.")) return false;
  return path.toString("latin1").split("/").some(isHidden);
}

/**
 * The path as text, if a site may hold such a file. Throws PATH_NOT_UTF8, PATH_TOO_LONG, FILE_UNSUPPORTED.
 *
 * @param label what to call the source: `blog@v2`
 */
export function sitePath(path: Buffer, { kind }: Pick<SourceEntry, "kind">, label: string): string {
  const refuse = (code: "PATH_NOT_UTF8" | "PATH_TOO_LONG" | "FILE_UNSUPPORTED", cause: string): SteppeError =>
    new SteppeError(code, { operation: "read", subject: label, cause: `\`${printablePath(path)}\` ${cause}` });
  if (path.length > LONGEST_PATH) throw refuse("PATH_TOO_LONG", `is a path of ${path.length} bytes`);
  if (!isUtf8(path)) throw refuse("PATH_NOT_UTF8", "is a name that is not UTF-8");
  if (kind === "submodule")
    throw refuse("FILE_UNSUPPORTED", "is a submodule; only a site with a build command may hold one");
  if (kind === "other") throw refuse("FILE_UNSUPPORTED", "is neither a file, a folder nor a link");
  if (path.length === 0 || path[0] === SLASH || path.at(-1) === SLASH || path.includes("//")) {
    throw refuse("FILE_UNSUPPORTED", "is no name of a file");
  }
  return path.toString("utf8");
}

/** A path for a message: whatever is not printable UTF-8 as `\xNN`; of a long one, its begin and its end. */
export function printablePath(path: Buffer): string {
  if (path.length > MOST_SHOWN) return `${printablePath(path.subarray(0, 80))}…${printablePath(path.subarray(-40))}`;
  return isUtf8(path)
    ? path
        .toString("utf8")
        .replace(/\\/g, String.raw`\x5c`)
        .replace(terminalControls, (control) => escaped(Buffer.from(control)))
    : [...path]
        .map((byte) =>
          byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : escaped(Buffer.of(byte)),
        )
        .join("");
}

function escaped(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
