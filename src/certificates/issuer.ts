/** What gives out certificates: the local CA, or one on the network. */
export interface Issuer {
  /** For logs: `local CA`. */
  readonly name: string;
  /**
   * Gets a certificate with a new key.
   *
   * @param names exact host names, wildcards of one label, or addresses; at least one
   * @returns PEM: the private key, the certificate, and those between it and the root
   * Throws CERTIFICATE_FAILED.
   */
  issue(names: readonly string[], signal: AbortSignal): Promise<string>;
  /** Whether a certificate that was issued before is still one of this issuer's; another is replaced. */
  owns(certificate: import("node:crypto").X509Certificate): boolean;
}
