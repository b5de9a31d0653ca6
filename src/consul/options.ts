import {
  basicAuthOf,
  type Environment,
  environmentError,
  flagOf,
  textOf,
  tokenOf,
} from "../shared/http-api/environment.ts";
import { type Endpoint, parseEndpoint } from "../shared/http-api/endpoint.ts";
import { checkTlsFiles, type TlsFiles } from "../shared/http-api/tls-files.ts";

/** How a Consul agent is reached. Files are named by their paths: `openConsul` reads them. */
export interface ConsulOptions {
  readonly endpoint: Endpoint;
  /** An ACL token. */
  readonly token?: string | undefined;
  /** A file that holds the token; it comes before `token`. */
  readonly tokenFile?: string | undefined;
  /** The field `Authorization`, for a proxy in front of the agent. */
  readonly authorization?: string | undefined;
  readonly tls: Readonly<TlsFiles>;
  /** In place of the agent's own. */
  readonly datacenter?: string | undefined;
  /** Of Consul Enterprise. */
  readonly namespace?: string | undefined;
  /** Of Consul Enterprise. */
  readonly partition?: string | undefined;
}

export const CONSUL_DEFAULT_ADDRESS = "127.0.0.1:8500";

/** The variables that name files of TLS. */
export const CONSUL_TLS_NAMES = {
  caFile: "CONSUL_CACERT",
  caFolder: "CONSUL_CAPATH",
  certFile: "CONSUL_CLIENT_CERT",
  keyFile: "CONSUL_CLIENT_KEY",
} as const;

/**
 * What the environment says, as Consul's own programs read it: https://developer.hashicorp.com/consul/commands#environment-variables. Throws
 * ENVIRONMENT_INVALID, which names the variable. CONSUL_DATACENTER is read as well; Consul's programs take it as an option only.
 */
export function consulOptions(environment: Environment): ConsulOptions {
  const text = (name: string): string | undefined => textOf(environment, name);
  const scheme = flagOf(environment, "CONSUL_HTTP_SSL") === true ? "https:" : "http:";
  const address = text("CONSUL_HTTP_ADDR") ?? CONSUL_DEFAULT_ADDRESS;
  return Object.freeze({
    endpoint: parseEndpoint(address, { scheme, port: 8500 }, "CONSUL_HTTP_ADDR"),
    token: tokenOf(environment, "CONSUL_HTTP_TOKEN"),
    tokenFile: text("CONSUL_HTTP_TOKEN_FILE"),
    authorization: basicAuthOf(environment, "CONSUL_HTTP_AUTH"),
    tls: tlsFiles(environment),
    datacenter: nameOf(environment, "CONSUL_DATACENTER"),
    namespace: nameOf(environment, "CONSUL_NAMESPACE"),
    partition: nameOf(environment, "CONSUL_PARTITION"),
  });
}

function tlsFiles(environment: Environment): Readonly<TlsFiles> {
  const path = (name: keyof typeof CONSUL_TLS_NAMES): string | undefined => textOf(environment, CONSUL_TLS_NAMES[name]);
  const files = {
    caFile: path("caFile"),
    caFolder: path("caFolder"),
    certFile: path("certFile"),
    keyFile: path("keyFile"),
    serverName: textOf(environment, "CONSUL_TLS_SERVER_NAME"),
    verify: flagOf(environment, "CONSUL_HTTP_SSL_VERIFY") ?? true,
  };
  checkTlsFiles(files, CONSUL_TLS_NAMES);
  return Object.freeze(files);
}

/** The name of a datacenter, a namespace or a partition. */
function nameOf(environment: Environment, name: string): string | undefined {
  const text = textOf(environment, name);
  if (text !== undefined && !/^[A-Za-z0-9_-]+$/.test(text)) {
    throw environmentError(name, `${JSON.stringify(text)} is no name`, "Use letters, digits, - and _.");
  }
  return text;
}
