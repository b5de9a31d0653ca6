import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Parsed } from "./parsed.ts";

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * Reads a domain of an app and gives it as the ingress compares it: lower case, IDNA in ASCII (RFC 5890). A host name (RFC
 * 1123), `*.` and a host name, or `*` alone. Of a mistake it says which one it is.
 */
export function parseDomain(text: string): Parsed<string> {
  if (text === "*") return { value: "*" };
  const wildcard = text.startsWith("*.");
  const host = parseHostName(wildcard ? text.slice(2) : text);
  if ("problem" in host) return host;
  const value = wildcard ? `*.${host.value}` : host.value;
  return value.length > 253 ? { problem: "is longer than 253 characters" } : { value };
}

/** As `parseDomain`, but for one exact host name. */
export function parseHostName(text: string): Parsed<string> {
  const problem = syntaxProblem(text);
  if (problem !== undefined) return { problem };
  const ascii = domainToASCII(text);
  if (ascii === "") return { problem: "is no valid domain name (IDNA)" };
  // Full-width digits become plain ones.
  if (isIP(ascii) !== 0) return { problem: "is an IP address; a domain is a name" };
  if (ascii.length > 253) return { problem: "is longer than 253 characters" };
  for (const label of ascii.split(".")) {
    const wrong = labelProblem(label);
    if (wrong !== undefined) return { problem: wrong };
  }
  return { value: ascii };
}

/** What is wrong before any label is looked at: things that belong to an address and not to a host name. */
function syntaxProblem(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text.length > 1000) return "is longer than 253 characters";
  if (/\s/.test(text)) return "has a space in it";
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) return `has a scheme; leave out \`${scheme}\``;
  if (isIP(text.replace(/^\[(.*)\]$/, "$1")) !== 0) return "is an IP address; a domain is a name";
  if (text.includes("/")) return "has a path; a domain is only the host name";
  if (text.includes("@")) return "has an `@` in it; a domain is only the host name";
  const port = /:[0-9]*$/.exec(text)?.[0];
  if (port !== undefined) return `has a port; leave out \`${port}\``;
  if (text.includes("*")) return "has a `*` that is not its whole first label; write `*.example.com`";
  if (text.startsWith(".")) return "begins with a dot";
  if (text.endsWith(".")) return "ends with a dot; leave it out";
  if (text.includes("..")) return "has an empty label (two dots in a row)";
  if (/\.(0x[0-9a-f]*|[0-9]+)$/i.test(`.${text}`)) return "ends in a number, as only an IP address does";
  // the ASCII characters that no host name holds
  const foreign = /[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]/.exec(text)?.[0];
  if (foreign !== undefined)
    return `has ${JSON.stringify(foreign)} in it; letters, digits, hyphens and dots are allowed`;
  return undefined;
}

function labelProblem(label: string): string | undefined {
  if (label.length > 63) return `has a label longer than 63 characters (\`${label.slice(0, 20)}…\`)`;
  if (label.startsWith("-") || label.endsWith("-"))
    return `has a label that begins or ends with a hyphen (\`${label}\`)`;
  if (!LABEL.test(label)) return `has a label that is no name (\`${label}\`)`;
  return undefined;
}
