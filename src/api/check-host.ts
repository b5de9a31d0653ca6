import type { IncomingHttpHeaders } from "node:http";
import { isIPv4 } from "node:net";
import { SteppeError } from "../shared/errors.ts";

/** How a request came in. */
export interface Entrance {
  /** The API's own port; null on the unix socket, through which only the ingress comes. */
  port: number | null;
  /** The address of this machine that the client connected to. */
  localAddress: string | undefined;
  /** The configured host name of the API, or null. */
  apiHost: string | null;
}

/**
 * Refuses what a web page could have made a browser send: a Host that is not ours (a foreign name that was made to lead
 * to this machine: DNS rebinding), an Origin that is not ours, or `null`, and whatever the browser itself marks as
 * coming from another site (https://www.w3.org/TR/fetch-metadata/).
 * Throws HOST_REFUSED, ORIGIN_REFUSED.
 */
export function checkHost(headers: IncomingHttpHeaders, entrance: Entrance): void {
  const host = (headers.host ?? "").toLowerCase();
  if (!isOwnHost(host, entrance)) {
    throw new SteppeError("HOST_REFUSED", {
      operation: "answer",
      subject: `host ${JSON.stringify(host.slice(0, 260))}`,
      cause: "the API is not known by this name",
    });
  }
  const { origin } = headers;
  if (origin !== undefined && !isOwnOrigin(origin, host)) {
    throw new SteppeError("ORIGIN_REFUSED", {
      operation: "answer",
      subject: `origin ${JSON.stringify(origin.slice(0, 260))}`,
      cause: "a web page of another origin asked",
    });
  }
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    throw new SteppeError("ORIGIN_REFUSED", {
      operation: "answer",
      subject: `a request of another site (${JSON.stringify(String(site).slice(0, 40))})`,
      cause: "a web page of another origin asked",
    });
  }
}

function isOwnHost(host: string, { port, localAddress, apiHost }: Entrance): boolean {
  const [, name = "", givenPort] = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+?)\.?(?::(\d{1,5}))?$/.exec(host) ?? [];
  if (name === "") return false;
  // Through the ingress, or a tunnel in front of it, the port is whatever leads there.
  if (apiHost !== null && name === apiHost.toLowerCase()) return true;
  if (port === null || Number(givenPort ?? 80) !== port) return false;
  return isLoopback(name) || name === bracketed(localAddress);
}

function isLoopback(name: string): boolean {
  return name === "localhost" || name === "[::1]" || (isIPv4(name) && name.startsWith("127."));
}

/** An address cannot be made to lead elsewhere, so the one that was connected to is a name of ours. */
function bracketed(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
  return plain.includes(":") ? `[${plain}]` : plain;
}

function isOwnOrigin(origin: string, host: string): boolean {
  return origin.toLowerCase() === `http://${host}` || origin.toLowerCase() === `https://${host}`;
}
