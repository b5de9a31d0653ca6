import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

/** A key and a certificate with its chain, PEM. */
export interface KeyAndCertificate {
  key: Buffer;
  cert: Buffer;
}

/** A client of TLS 1.2 must not make the server shake hands over and over on one connection: it costs the client next to nothing. */
export const SERVER_TLS = Object.freeze({ secureOptions: constants.SSL_OP_NO_RENEGOTIATION });

/** What a server needs to speak TLS under some names. Throws OpenSSL's error if key and certificate are none, or not a pair. */
export function secureContext(pem: KeyAndCertificate): SecureContext {
  return createSecureContext({ ...pem, ...SERVER_TLS });
}
