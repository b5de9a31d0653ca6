import { errno } from "./errors.ts";

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  ENOTFOUND: "its host name is not known",
  EAI_AGAIN: "its host name could not be looked up",
  ECONNRESET: "the connection broke off",
  EPIPE: "the connection broke off",
  ETIMEDOUT: "no answer came",
  EHOSTUNREACH: "there is no way to its host",
  ENETUNREACH: "there is no way to its network",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};
const UNTRUSTED = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Whether a connection was given up since nothing that we trust vouches for the other side's certificate. */
export function isUntrusted(thrown: unknown): boolean {
  return UNTRUSTED.test(errno(thrown) ?? "");
}

/** Why a connection to a server failed, for people, as a part of a sentence about that server: "nothing listens there". */
export function connectionCause(thrown: unknown): string {
  const code = errno(thrown) ?? "";
  if (isUntrusted(thrown)) return `its certificate is not trusted (${code})`;
  return CAUSES[code] ?? (thrown instanceof Error ? thrown.message : String(thrown));
}
