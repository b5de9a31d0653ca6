import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { writeFileAtomic } from "../shared/atomic-file.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";

const FORM = /^[A-Za-z0-9_-]{32,256}$/;

/** A new secret: 32 random bytes, base64url. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * The API's token from its file; made, with mode 0600, if there is no file. A file that others may read is made private again, and
 * that is logged: its content may be known to others.
 * Throws DATA_FOLDER_UNUSABLE for a file that holds no token: an empty one never opens anything.
 */
export function loadToken(file: string, log: Logger): string {
  let content: string;
  try {
    content = readFileSync(file, "utf8").trim();
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
    const token = newToken();
    writeFileAtomic(file, `${token}\n`);
    return token;
  }
  if (!FORM.test(content)) {
    throw new SteppeError("DATA_FOLDER_UNUSABLE", {
      operation: "read token",
      subject: file,
      cause: "the file holds no token",
      hint: "Remove the file: a new token is made at the next start.",
    });
  }
  if ((statSync(file).mode & 0o077) !== 0) {
    chmodSync(file, 0o600);
    log.warn({ file }, "other users could read the token; remove the file and restart to get a new one");
  }
  return content;
}
