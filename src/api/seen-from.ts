import type { Exchange } from "./exchange.ts";
import type { PlatformAddresses } from "./types.ts";

/**
 * The addresses as whoever asks can use them. Who comes through the ingress, on the API's host name, is perhaps on another machine: there
 * the API, git and webhooks are on that name, by HTTPS, at the port that led here.
 */
export function seenFrom({ request }: Exchange, addresses: PlatformAddresses): PlatformAddresses {
  const { host } = request.headers;
  // Only the ingress comes through the socket, and with the API's host name alone: see checkHost.
  if (request.socket.remoteAddress !== undefined || host === undefined) return addresses;
  const api = `https://${host}`;
  const webhooks = addresses.webhooks === null ? null : `${api}/hooks/`;
  return { ...addresses, api, git: `${api}/git/`, webhooks };
}
