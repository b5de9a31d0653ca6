import { SteppeError } from "../../shared/errors.ts";
import { sha256Digest } from "../oci-manifest.ts";
import { isObject, parseObject } from "../registry/json-document.ts";
import { isDigest } from "../registry/reference.ts";

/** What the image steppe/static is known by. Docker and buildah hand labels and entrypoint on to what is built `FROM` it. */
export const STATIC_BASE = {
  /** Its value is the folder that is the site. */
  label: "steppe.site",
  folder: "/www",
  entrypoint: "/steppe-static",
} as const;

/** What of an image's config matters here. https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  /** The digests of its layers when they are not compressed. */
  diffIds: string[];
  entrypoint: string[];
  command: string[];
  labels: Record<string, string>;
  /** Whether it says nothing at all of how it is run: data, as `createImage` makes it. */
  isData: boolean;
}

/** Throws IMAGE_INVALID. */
export function parseImageConfig(bytes: Buffer): ImageConfig {
  const document = parseObject(bytes);
  const rootfs = document?.["rootfs"];
  if (document === undefined || !isObject(rootfs)) throw invalid(bytes, "it is no config of an image");
  const diffIds = rootfs["diff_ids"] ?? [];
  if (!isTexts(diffIds) || !diffIds.every(isDigest)) throw invalid(bytes, "it does not name its layers");
  const config = document["config"] ?? {};
  if (!isObject(config)) throw invalid(bytes, "its part `config` is no object");
  const { Entrypoint: entrypoint, Cmd: command, Labels: labels } = config;
  const texts = isObject(labels) ? Object.entries(labels) : [];
  return {
    diffIds,
    entrypoint: isTexts(entrypoint) ? entrypoint : [],
    command: isTexts(command) ? command : [],
    labels: Object.fromEntries(texts.filter((pair): pair is [string, string] => typeof pair[1] === "string")),
    isData: Object.keys(config).length === 0 && document["history"] === undefined,
  };
}

/**
 * The folder of an image that is a site, or null: then it is a program. It is what the app declares; what the mark of steppe/static says, unless the
 * image runs something else, or gives it options, which a site cannot have; and `/www` of a data image.
 *
 * @param declared the app's `image.site`
 */
export function siteFolderOf(config: ImageConfig, declared: string | null): string | null {
  if (declared !== null) return declared;
  if (config.isData) return STATIC_BASE.folder;
  const folder = config.labels[STATIC_BASE.label];
  if (folder === undefined || !folder.startsWith("/")) return null;
  const [program, ...options] = [...config.entrypoint, ...config.command];
  return program === STATIC_BASE.entrypoint && options.length === 0 ? folder : null;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalid(bytes: Buffer, cause: string): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "read the config", subject: sha256Digest(bytes), cause });
}
