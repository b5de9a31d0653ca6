import { readTlsFiles } from "../shared/http-api/tls-files.ts";
import { Nomad, type NomadClientOptions } from "./nomad.ts";
import { NOMAD_TLS_NAMES, type NomadOptions } from "./options.ts";

/** A client, with the files read that the options name. Throws ENVIRONMENT_INVALID, which names the variable. */
export function openNomad(options: NomadOptions, client: NomadClientOptions): Nomad {
  return new Nomad(options, { ...client, tls: readTlsFiles(options.tls, NOMAD_TLS_NAMES) });
}
