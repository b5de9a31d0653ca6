import { expect, test } from "vitest";
import { TransportError } from "./transport-error.ts";

const failed = (code: string): TransportError =>
  TransportError.from(
    Object.assign(new Error(`4003:error:0A00045C:SSL routines:${code}`), { code }),
    new URL("https://a"),
  );

test("an alert about our certificate is a mistake that settings may mend, and is told in words", () => {
  const about = { mistake: "our certificate", final: true };
  expect(failed("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED")).toMatchObject({
    ...about,
    message: "it wants a certificate of ours",
  });
  for (const [code, said] of [
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "unknown ca"],
    ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "bad certificate"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate expired"],
  ] as const) {
    expect(failed(code)).toMatchObject({
      ...about,
      message: `it does not take our certificate, or wants one (${said})`,
    });
  }
});

test("other failures of TLS, and of connections, are told apart", () => {
  expect(failed("CERT_HAS_EXPIRED").mistake).toBe("untrusted");
  expect(failed("ERR_SSL_WRONG_VERSION_NUMBER").mistake).toBe("no TLS there");
  expect(failed("ECONNRESET")).toMatchObject({ mistake: undefined, final: false });
});
