import { connectionCause, isUntrusted } from "../connection-error.ts";
import { errno } from "../errors.ts";

/** What does not get better by waiting. */
const FINAL = new Set(["ENOTFOUND", "EPROTO", "ERR_TLS_CERT_ALTNAME_INVALID"]);
const NO_TLS = new Set(["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"]);

/** Alerts of TLS that are about the certificate which a client shows, or does not: https://www.rfc-editor.org/rfc/rfc8446#section-6.2 */
const CERTIFICATE_ALERT =
  /_ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA)$/;

/** What settings may mend: whoever asks knows how they are called, and gives the hint. */
export type Mistake = "untrusted" | "no TLS there" | "no HTTP there" | "our certificate";

interface TransportErrorOptions extends ErrorOptions {
  final?: boolean;
  mistake?: Mistake | undefined;
  unsent?: boolean | undefined;
}

/** A request that got no whole answer. Its message says why, for people. */
export class TransportError extends Error {
  /** Whether trying again is of no use. */
  readonly final: boolean;
  readonly mistake: Mistake | undefined;
  /** Whether there was no connection yet: then nothing of the request has reached the other side. */
  readonly unsent: boolean;

  constructor(message: string, options: TransportErrorOptions = {}) {
    super(message, options);
    this.final = options.final ?? false;
    this.mistake = options.mistake;
    this.unsent = options.unsent ?? false;
  }

  /** What an error of a connection to `url` means. */
  static from(thrown: unknown, url: URL, { unsent }: { unsent?: boolean } = {}): TransportError {
    if (thrown instanceof TransportError) return thrown;
    const code = errno(thrown) ?? "";
    const options = { cause: thrown, final: FINAL.has(code), unsent };
    if (isUntrusted(thrown)) {
      return new TransportError(connectionCause(thrown), { ...options, final: true, mistake: "untrusted" });
    }
    const [, alert] = CERTIFICATE_ALERT.exec(code) ?? [];
    if (alert !== undefined) {
      return new TransportError(alertCause(alert), { ...options, final: true, mistake: "our certificate" });
    }
    if (NO_TLS.has(code)) {
      return new TransportError("it does not speak TLS there", { ...options, final: true, mistake: "no TLS there" });
    }
    if (code.startsWith("HPE_")) {
      const mistake = url.protocol === "http:" ? "no HTTP there" : undefined;
      return new TransportError(`its answer is no HTTP (${code})`, { ...options, final: true, mistake });
    }
    return new TransportError(connectionCause(thrown), options);
  }
}

function alertCause(alert: string): string {
  if (alert === "CERTIFICATE_REQUIRED") return "it wants a certificate of ours";
  return `it does not take our certificate, or wants one (${alert.toLowerCase().replaceAll("_", " ")})`;
}
