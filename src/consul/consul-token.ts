import { readFileSync } from "node:fs";
import { errno } from "../shared/errors.ts";
import { environmentError, isToken } from "../shared/http-api/environment.ts";
import type { ConsulOptions } from "./options.ts";

/** The token that the options name: that of the file, or else their own; undefined if there is none. Throws ENVIRONMENT_INVALID, which names the variable. */
export function consulToken(options: ConsulOptions): string | undefined {
  return tokenOfFile(options) ?? options.token;
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
