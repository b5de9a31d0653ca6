import { isIP } from "node:net";
import type { Parsed } from "./parsed.ts";

/** Where to listen. */
export interface ListenAddress {
  /** A name or an IP address without brackets. `::` is every address of the machine, of IPv4 too where the system allows it. */
  host: string;
  /** 0 is whichever is free. */
  port: number;
}

/** Reads `HOST:PORT`: `127.0.0.1:8080`, `localhost:8080`, `[::1]:80`; `:8080` and `*:8080` are every address. */
export function parseListenAddress(text: string): Parsed<ListenAddress> {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text);
  if (match === null) return { problem: syntaxProblem(text) };
  const [, bracketed, plain = "", digits] = match;
  const port = Number(digits);
  if (port > 65_535) return { problem: `has the port ${port}; the highest is 65535` };
  if (bracketed !== undefined) {
    if (isIP(bracketed) !== 6) return { problem: `has \`[${bracketed}]\`, which is no IPv6 address` };
    return { value: { host: bracketed, port } };
  }
  if (plain === "" || plain === "*") return { value: { host: "::", port } };
  const isName = /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(plain);
  const looksLikeIp = /^[0-9.]+$/.test(plain);
  if (!isName || (looksLikeIp && isIP(plain) === 0)) return { problem: `has \`${plain}\`, which is no host` };
  return { value: { host: plain, port } };
}

/** Writes an address as it stands in a URL or a message: `127.0.0.1:8080`, `[::1]:80`. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function syntaxProblem(text: string): string {
  if (text === "") return "is empty; write HOST:PORT";
  if (/^[0-9]+$/.test(text)) return `has no host; write \`127.0.0.1:${text}\`, or \`:${text}\` for every address`;
  if (/^[a-z]+:\/\//i.test(text)) return "is a URL; write HOST:PORT";
  if (isIP(text) === 6) return `has no port; write \`[${text}]:8080\``;
  if (!text.includes(":")) return `has no port; write \`${text}:8080\``;
  return "is no HOST:PORT; write `127.0.0.1:8080`, `[::1]:8080` or `:8080`";
}
