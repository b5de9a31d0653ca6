import { SteppeError } from "../shared/errors.ts";
import { withoutPasswords } from "./git.ts";

/** An address that `git fetch` may be given. */
export interface RemoteAddress {
  url: string;
  protocol: "https" | "http" | "ssh" | "file";
  /** The host, for counting how many are asked of it at once; empty for a folder of this machine. */
  host: string;
}

/**
 * Checks the address of a repository that lives elsewhere: https, http, ssh (also as `git@host:path`) or file. All else that git understands,
 * such as `ext::`, runs programs or reads this machine, and is refused. Throws REPOSITORY_INVALID.
 */
export function parseRemote(url: string, app: string): RemoteAddress {
  const refuse = (cause: string): SteppeError =>
    new SteppeError("REPOSITORY_INVALID", { operation: "read the repository of", subject: app, cause });
  if (/[\u0000-\u0020\u007f]/.test(url)) throw refuse("its address holds a space or a control character");
  const scp = /^(?:[\w.-]+@)?([A-Za-z0-9][\w.-]*):(?!\/\/|:)([^-].*)$/.exec(url);
  if (scp?.[1] !== undefined) return { url, protocol: "ssh", host: scp[1].toLowerCase() };
  const parsed = URL.parse(url);
  if (parsed === null) throw refuse(`${JSON.stringify(withoutPasswords(url))} is no address`);
  const protocol = parsed.protocol.slice(0, -1);
  if (protocol !== "https" && protocol !== "http" && protocol !== "ssh" && protocol !== "file") {
    throw refuse(`${withoutPasswords(url)} is neither https, http, ssh nor file`);
  }
  if (protocol !== "file" && (parsed.hostname === "" || parsed.hostname.startsWith("-"))) {
    throw refuse(`${withoutPasswords(url)} names no host`);
  }
  return { url, protocol, host: parsed.hostname.toLowerCase() };
}

/**
 * One form for the addresses by which the same repository is known, to compare them: `https://HOST/PATH.git`, `ssh://git@HOST:22/PATH`,
 * `git@HOST:PATH`, with or without `.git`, in whatever case (most hosts take a path in any). Of what is no address, the text itself.
 */
export function repositoryKey(address: string): string {
  const scp = /^(?:[\w.-]+@)?([A-Za-z0-9][\w.-]*):(?!\/\/|:)(.*)$/.exec(address);
  const url = scp === null ? URL.parse(address) : null;
  if (scp === null && url === null) return address;
  const host = scp?.[1] ?? url?.hostname ?? "";
  const path = (scp?.[2] ?? url?.pathname ?? "").replace(/^\/+|\/+$/g, "").replace(/\.git$/i, "");
  return `${host}/${path}`.toLowerCase();
}
