import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Writes `certificate.pem` and `key.pem` (P-256) for 127.0.0.1 into a folder, with Debian's openssl. */
export function writeCertificate(folder: string): void {
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const key = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    join(folder, "key.pem"),
  ];
  const args = ["req", "-x509", "-days", "2", ...key, "-out", join(folder, "certificate.pem"), ...names];
  execFileSync("openssl", args, { stdio: "ignore" });
}
