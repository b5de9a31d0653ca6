import { readTlsFiles } from "../shared/http-api/tls-files.ts";
import { Consul, type ConsulClientOptions } from "./consul.ts";
import { consulToken } from "./consul-token.ts";
import { CONSUL_TLS_NAMES, type ConsulOptions } from "./options.ts";

/** A client, with the files read that the options name. Throws ENVIRONMENT_INVALID, which names the variable. */
export function openConsul(options: ConsulOptions, client: ConsulClientOptions): Consul {
  const tls = readTlsFiles(options.tls, CONSUL_TLS_NAMES);
  return new Consul(options, { ...client, token: consulToken(options), tls });
}
