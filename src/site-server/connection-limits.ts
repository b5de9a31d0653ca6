/** How long a slow or silent client is waited for, in milliseconds. */
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
  /** How often the first two are looked at. */
  checkMs: number;
  /** Open connections per listener; fewer if the system gives the process few descriptors. */
  connections: number;
}
