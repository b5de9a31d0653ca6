import type { Parsed } from "./parsed.ts";

const SCHEMES = ["https", "http", "ssh", "file"];

/**
 * Checks the address of a repository that lives elsewhere: `https://`, `http://`, `ssh://`, `file://`, or ssh in short,
 * `git@host:path`. What git would take for an option, or for a program to run (`ext::`), is refused.
 */
export function parseRepositoryAddress(text: string): Parsed<string> {
  if (text === "") return { problem: "is empty" };
  if (text.length > 2048) return { problem: "is longer than 2,048 characters" };
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return { problem: "has a space or a control character in it" };
  if (text.startsWith("-")) return { problem: "begins with a hyphen, which git would take for an option" };
  const helper = /^[a-z0-9+.-]*::/i.exec(text)?.[0];
  if (helper !== undefined) return { problem: `names a git remote helper (\`${helper}\`), which is not allowed` };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined) return parseAddressUrl(text, scheme);
  const short = /^(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)([A-Za-z0-9][A-Za-z0-9.-]*):(.+)$/.exec(text);
  if (short === null) {
    const hint = text.startsWith("/") ? `write \`file://${text}\`` : "write https://, ssh:// or git@host:path";
    return { problem: `is no address of a repository; ${hint}` };
  }
  return short[2]?.startsWith("-") ? { problem: "has a path that begins with a hyphen" } : { value: text };
}

function parseAddressUrl(text: string, scheme: string): Parsed<string> {
  if (!SCHEMES.includes(scheme)) {
    return {
      problem: `has the scheme \`${scheme}://\`; ${SCHEMES.map((known) => `${known}://`).join(", ")} are known`,
    };
  }
  if (!URL.canParse(text)) return { problem: "is no valid URL" };
  const url = new URL(text);
  if (scheme !== "file" && url.hostname === "") return { problem: "names no host" };
  // ssh would take such a host or user for an option (CVE-2017-1000117).
  if (url.hostname.startsWith("-") || decodeURIComponent(url.username).startsWith("-")) {
    return { problem: "has a host or user that begins with a hyphen" };
  }
  if (scheme === "file" && url.hostname !== "") return { problem: "names a host; write file:///path" };
  if (url.pathname.length <= 1) return { problem: "names no repository" };
  return { value: text };
}
