import { type Packet, PktLineReader } from "./pkt-line.ts";

/**
 * Reads from the answer of `git-receive-pack` what became of the refs.
 * https://git-scm.com/docs/gitprotocol-pack#_report_status
 */
export class PushReport {
  /** Whether all of the report was seen. */
  complete = false;
  /** How many refs were changed. */
  accepted = 0;
  readonly #sideBand: boolean;
  readonly #lines = new PktLineReader();

  /** @param sideBand whether the report is packed into band 1 */
  constructor(sideBand: boolean) {
    this.#sideBand = sideBand;
  }

  /** Looks at one packet of the answer. Throws if a band 1 holds no packets. */
  see(packet: Packet): void {
    if (!this.#sideBand) return this.#line(packet);
    if (packet.kind !== "data" || packet.payload[0] !== 1) return;
    this.#lines.feed(packet.payload.subarray(1));
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) this.#line(line);
  }

  #line(packet: Packet): void {
    if (packet.kind === "flush") this.complete = true;
    else if (packet.payload.toString("latin1", 0, 3) === "ok ") this.accepted++;
  }
}
