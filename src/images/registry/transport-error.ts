import { connectionCause, isUntrusted } from "../../shared/connection-error.ts";
import { errno } from "../../shared/errors.ts";

/** What does not get better by waiting. */
const FINAL = new Set(["ENOTFOUND", "EPROTO", "ERR_TLS_CERT_ALTNAME_INVALID"]);

/** A request that got no whole answer. Its message says why, for people. */
export class TransportError extends Error {
  /** Whether trying again is of no use. */
  readonly final: boolean;
  readonly hint: string | undefined;

  constructor(message: string, options: ErrorOptions & { final?: boolean; hint?: string | undefined } = {}) {
    super(message, options);
    this.final = options.final ?? false;
    this.hint = options.hint;
  }

  /** What an error of a connection to `url` means. */
  static from(thrown: unknown, url: URL): TransportError {
    if (thrown instanceof TransportError) return thrown;
    const code = errno(thrown) ?? "";
    const options = { cause: thrown, final: FINAL.has(code) };
    if (isUntrusted(thrown)) {
      const hint = "If it is of a CA of your own, name that CA's certificate in the settings of this registry.";
      return new TransportError(connectionCause(thrown), { ...options, final: true, hint });
    }
    if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
      const hint = "If it speaks plain HTTP, set `insecure` for this registry.";
      return new TransportError("it does not speak TLS there", { ...options, final: true, hint });
    }
    if (code.startsWith("HPE_")) {
      const hint = url.protocol === "http:" ? "If it speaks TLS, do not set `insecure` for this registry." : undefined;
      return new TransportError(`its answer is no HTTP (${code})`, { ...options, final: true, hint });
    }
    return new TransportError(connectionCause(thrown), options);
  }
}
