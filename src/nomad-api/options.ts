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

/** How a Nomad agent is reached. Files are named by their paths: `openNomad` reads them. */
export interface NomadOptions {
  readonly endpoint: Endpoint;
  /** The secret of an ACL token. */
  readonly token?: string | undefined;
  /** The field `Authorization`, for a proxy in front of the agent. */
  readonly authorization?: string | undefined;
  readonly tls: Readonly<TlsFiles>;
  /** In place of the agent's own. */
  readonly region?: string | undefined;
  /** In place of `default`. `*` are all, where something is listed. */
  readonly namespace?: string | undefined;
}

export const NOMAD_DEFAULT_ADDRESS = "http://127.0.0.1:4646";

/** The variables that name files of TLS. */
export const NOMAD_TLS_NAMES = {
  caFile: "NOMAD_CACERT",
  caFolder: "NOMAD_CAPATH",
  certFile: "NOMAD_CLIENT_CERT",
  keyFile: "NOMAD_CLIENT_KEY",
} as const;

/**
 * What the environment says, as Nomad's own programs read it: https://developer.hashicorp.com/nomad/commands#environment-variables. Whoever knows something better
 * puts it there: `nomadOptions({ ...env, NOMAD_ADDR: address })`. Throws ENVIRONMENT_INVALID, which names the variable.
 */
export function nomadOptions(environment: Environment): NomadOptions {
  const address = textOf(environment, "NOMAD_ADDR") ?? NOMAD_DEFAULT_ADDRESS;
  return Object.freeze({
    endpoint: parseEndpoint(address, { scheme: "http:", port: 4646 }, "NOMAD_ADDR"),
    token: tokenOf(environment, "NOMAD_TOKEN"),
    authorization: basicAuthOf(environment, "NOMAD_HTTP_AUTH"),
    tls: tlsFiles(environment),
    region: nameOf(environment, "NOMAD_REGION", /^[^\s/?#&=]{1,128}$/),
    namespace: nameOf(environment, "NOMAD_NAMESPACE", /^(\*|[A-Za-z0-9-]{1,128})$/),
  });
}

function tlsFiles(environment: Environment): Readonly<TlsFiles> {
  const path = (name: keyof typeof NOMAD_TLS_NAMES): string | undefined => textOf(environment, NOMAD_TLS_NAMES[name]);
  const files = {
    caFile: path("caFile"),
    caFolder: path("caFolder"),
    certFile: path("certFile"),
    keyFile: path("keyFile"),
    serverName: textOf(environment, "NOMAD_TLS_SERVER_NAME"),
    verify: !(flagOf(environment, "NOMAD_SKIP_VERIFY") ?? false),
  };
  checkTlsFiles(files, NOMAD_TLS_NAMES);
  return Object.freeze(files);
}

function nameOf(environment: Environment, name: string, form: RegExp): string | undefined {
  const text = textOf(environment, name);
  if (text !== undefined && !form.test(text)) {
    throw environmentError(name, `${JSON.stringify(text)} is no name`, "Use letters, digits and -.");
  }
  return text;
}
