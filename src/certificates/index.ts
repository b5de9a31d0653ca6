export { CertificateManager, type CertificateManagerOptions } from "./certificate-manager.ts";
export type { Issuer } from "./issuer.ts";
export { LocalCa } from "./local-ca.ts";
