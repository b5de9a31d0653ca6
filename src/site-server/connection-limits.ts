/** How long a slow or silent client is waited for. Times in milliseconds. */
export interface ConnectionLimits {
  /** From the opening of a connection, or the first byte of a request, to the end of its head. */
  headMs: number;
  /** A kept-alive connection without a request. */
  keepAliveMs: number;
  /** A connection on which nothing moves in the midst of a request or an answer. */
  stalledMs: number;
  /** After an answer that did not wait for the request's body: so long the body is taken, so that the client sees the answer. */
  lingerMs: number;
  /** A TLS handshake. */
  handshakeMs: number;
  /** A client that moves, but takes what it is sent, or sends a body, at fewer bytes a second than this is not waited for any longer … */
  leastRate: number;
  /** … than this beyond the time that it would take at that rate; for bodies, `stalledMs`. */
  rateGraceMs: number;
  /** How often most of these are looked at. */
  checkMs: number;
  /** Open connections per listener; fewer if the system gives the process few descriptors. */
  connections: number;
}

/** What the ingress and `steppe serve` begin with. */
export const defaultConnectionLimits: Readonly<ConnectionLimits> = Object.freeze({
  headMs: 20_000,
  keepAliveMs: 30_000,
  stalledMs: 120_000,
  lingerMs: 5_000,
  handshakeMs: 10_000,
  leastRate: 240,
  rateGraceMs: 10_000,
  checkMs: 5_000,
  connections: 8_000,
});
