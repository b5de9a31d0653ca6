import { withoutSecrets } from "../without-secrets.ts";
import { environmentError } from "./environment.ts";

/** Where an agent listens. */
export interface Endpoint {
  /** With a path if the API lies below one. Of a unix socket `http://localhost/`. */
  url: URL;
  socketPath?: string | undefined;
}

export interface EndpointDefaults {
  scheme: "http:" | "https:";
  port: number;
}

/** How it is called in messages: `http://127.0.0.1:4646`, or the path of a socket. */
export function describeEndpoint({ url, socketPath }: Endpoint): string {
  return socketPath ?? url.origin;
}

/**
 * Reads an address as Consul's and Nomad's own programs do: `127.0.0.1:8500`, `https://consul.example.com/prefix`, `unix:///run/consul.sock`.
 *
 * @param name what says so, for the error: CONSUL_HTTP_ADDR
 * @param defaults what an address without a scheme, or without a port, means; `http://` does not go back on a default of `https:`
 */
export function parseEndpoint(text: string, defaults: EndpointDefaults, name: string): Endpoint {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text) ?? [undefined, undefined, text];
  switch (scheme?.toLowerCase()) {
    case "unix":
      return unixEndpoint(rest ?? "", text, name);
    case undefined:
    case "http":
      return webEndpoint(defaults.scheme, rest ?? "", { text, defaults, name });
    case "https":
      return webEndpoint("https:", rest ?? "", { text, defaults, name });
    default:
      throw environmentError(
        name,
        `${withoutSecrets(text)}: there is no scheme ${scheme}://`,
        "Use http://, https:// or unix://.",
      );
  }
}

function unixEndpoint(socketPath: string, text: string, name: string): Endpoint {
  if (!socketPath.startsWith("/")) {
    throw environmentError(
      name,
      `${withoutSecrets(text)}: the path of a socket begins with /`,
      "Write it like unix:///run/consul.sock.",
    );
  }
  return Object.freeze({ url: new URL("http://localhost/"), socketPath });
}

function webEndpoint(
  scheme: string,
  rest: string,
  { text, defaults, name }: { text: string; defaults: EndpointDefaults; name: string },
): Endpoint {
  const address = `${scheme}//${rest}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.hostname === "" || url.search !== "" || url.hash !== "") {
    const cause = `${withoutSecrets(text)} is no address`;
    throw environmentError(name, cause, `Write it like ${scheme}//127.0.0.1:${defaults.port}.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw environmentError(name, "a user and a password have no place in it", "Give them by themselves.");
  }
  const hasPort = /^(\[[^\]]*\]|[^/:]*):\d/.test(rest);
  if (!hasPort && !/^https?:\/\//i.test(text)) url.port = String(defaults.port);
  return Object.freeze({ url });
}
