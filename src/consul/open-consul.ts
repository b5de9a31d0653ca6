import { readFileSync } from "node:fs";
import { errno } from "../shared/errors.ts";
import { environmentError, isToken } from "../shared/http-api/environment.ts";
import { readTlsFiles } from "../shared/http-api/tls-files.ts";
import { Consul, type ConsulClientOptions } from "./consul.ts";
import { CONSUL_TLS_NAMES, type ConsulOptions } from "./options.ts";

/** A client, with the files read that the options name. Throws ENVIRONMENT_INVALID, which names the variable. */
export function openConsul(options: ConsulOptions, client: ConsulClientOptions): Consul {
  const tls = readTlsFiles(options.tls, CONSUL_TLS_NAMES);
  return new Consul(options, { ...client, token: tokenOfFile(options) ?? options.token, tls });
}

/** The token in the file; undefined if no file is named, or there is nothing in it. */
function tokenOfFile({ tokenFile }: ConsulOptions): string | undefined {
  if (tokenFile === undefined) return undefined;
  const token = readToken(tokenFile).trim();
  if (token === "") return undefined;
  if (!isToken(token)) throw environmentError("CONSUL_HTTP_TOKEN_FILE", `${tokenFile} holds more than a token`);
  return token;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const cause = `${path} cannot be read (${errno(error) ?? String(error)})`;
    throw environmentError("CONSUL_HTTP_TOKEN_FILE", cause, undefined, error);
  }
}
