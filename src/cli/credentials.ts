import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../shared/atomic-file.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Io } from "./io.ts";

/** The servers that `steppe login` was done for. */
export interface Credentials {
  /** The address that is used when nothing else says which; the last login. */
  current: string | null;
  /** Address to token. */
  servers: Record<string, string>;
}

/** `~/.config/steppe/credentials.json`, or where XDG_CONFIG_HOME says. */
export function credentialsFile(io: Pick<Io, "env" | "home">): string {
  const base = io.env["XDG_CONFIG_HOME"] ?? "";
  return join(base.startsWith("/") ? base : join(io.home, ".config"), "steppe", "credentials.json");
}

/** What is stored; nothing, if there never was a login. Throws CONFIG_INVALID if the file is not what it should be. */
export function readCredentials(io: Pick<Io, "env" | "home">): Credentials {
  const file = credentialsFile(io);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return { current: null, servers: {} };
    throw unreadable(file, errno(error) ?? String(error), error);
  }
  try {
    return checkCredentials(JSON.parse(text));
  } catch (error) {
    throw unreadable(file, "it is not what `steppe login` writes", error);
  }
}

/** Stores a token for a server, with mode 0600, and makes that server the current one. Returns the file. */
export function storeCredentials(io: Pick<Io, "env" | "home">, url: string, token: string): string {
  const file = credentialsFile(io);
  const { servers } = readCredentials(io);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  chmodSync(dirname(file), 0o700);
  const content: Credentials = { current: url, servers: { ...servers, [url]: token } };
  writeFileAtomic(file, `${JSON.stringify(content, null, 2)}\n`);
  return file;
}

function checkCredentials(json: unknown): Credentials {
  if (typeof json !== "object" || json === null) throw new TypeError("no object");
  const { current, servers } = json as { current?: unknown; servers?: unknown };
  if (typeof servers !== "object" || servers === null) throw new TypeError("no servers");
  const tokens = Object.entries(servers).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { current: typeof current === "string" ? current : null, servers: Object.fromEntries(tokens) };
}

function unreadable(file: string, cause: string, thrown: unknown): SteppeError {
  return new SteppeError(
    "CONFIG_INVALID",
    { operation: "read", subject: file, cause, hint: "Remove the file and run `steppe login URL` again." },
    { cause: thrown },
  );
}
