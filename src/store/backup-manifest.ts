import { SteppeError } from "../shared/errors.ts";

/** The first entry of a full backup: says at once what the archive is. */
export const MARKER_ENTRY = "steppe-backup.json";
/** The last entry: an archive that was cut off has none. */
export const MANIFEST_ENTRY = "manifest.json";
/** Raised when an older Steppe could not read the archive any more. */
export const BACKUP_FORMAT = 1;

export interface BackupMarker {
  format: number;
  /** The Steppe that wrote it. */
  steppe: string;
  /** The version of the store's schema. */
  schema: number;
  /** Milliseconds since 1970. */
  createdAt: number;
}

export interface ManifestFile {
  path: string;
  /** Bytes. */
  size: number;
  /** SHA-256, hex. */
  sha256: string;
}

export interface BackupManifest extends BackupMarker {
  /** Every other entry, in the order of the archive. */
  files: ManifestFile[];
}

/** What of a data folder is in a full backup; the rest is made anew, or of use only to the processes that run. */
const PARTS: readonly RegExp[] = [
  /^steppe\.db$/,
  /^token$/,
  /^packs\/[^/]+$/,
  /^images\/[^/]+$/,
  /^oci\/blobs\/[^/]+\/[^/]+$/,
  /^repositories\/[^/]+\/./,
  /^ca\/[^/]+$/,
  /^ingress\/certificates\/[^/]+$/,
];

/** Whether a path may be in a backup: relative, within its root, of a part that belongs there. */
export function isBackupPath(path: string): boolean {
  const plain = path.split("/").every((name) => name !== "" && name !== "." && name !== "..");
  return plain && !path.includes("\0") && Buffer.byteLength(path) <= 1024 && PARTS.some((part) => part.test(path));
}

export function parseMarker(content: Buffer, subject: string): BackupMarker {
  const value = parseObject(content, subject);
  const { format, steppe, schema, createdAt } = value;
  if (typeof format !== "number" || typeof steppe !== "string" || typeof schema !== "number") {
    throw invalidBackup(subject, "its first entry does not say what it is");
  }
  if (format > BACKUP_FORMAT) {
    throw invalidBackup(
      subject,
      `it was written by Steppe ${steppe} in format ${format}; this Steppe reads up to ${BACKUP_FORMAT}`,
      "Run the Steppe that wrote it, or a newer one.",
    );
  }
  return { format, steppe, schema, createdAt: typeof createdAt === "number" ? createdAt : 0 };
}

export function parseManifest(content: Buffer, subject: string): BackupManifest {
  const { files } = parseObject(content, subject);
  if (!Array.isArray(files) || !files.every(isManifestFile)) {
    throw invalidBackup(subject, "its list of files is damaged");
  }
  return { ...parseMarker(content, subject), files };
}

export function invalidBackup(subject: string, cause: string, hint?: string, thrown?: unknown): SteppeError {
  return new SteppeError("BACKUP_INVALID", { operation: "restore", subject, cause, hint }, { cause: thrown });
}

function isManifestFile(value: unknown): value is ManifestFile {
  if (typeof value !== "object" || value === null) return false;
  const { path, size, sha256 } = value as Record<string, unknown>;
  return typeof path === "string" && typeof size === "number" && typeof sha256 === "string";
}

function parseObject(content: Buffer, subject: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content.toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw invalidBackup(subject, "its list of files is damaged", undefined, error);
  }
  throw invalidBackup(subject, "its list of files is damaged");
}
