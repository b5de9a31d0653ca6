import { PktLineReader } from "./pkt-line.ts";

/**
 * Watches the start of a `git-receive-pack` request as it streams by: which refs it wants changed, and what its
 * client understands. https://git-scm.com/docs/gitprotocol-pack#_reference_update_request_and_packfile_transfer
 */
export class PushRequest {
  /** How many refs it wants to change. A probe (`0000`, sent before a large push) wants none. */
  commands = 0;
  /** The bytes of that list so far. Git keeps all of it in memory. */
  listBytes = 0;
  readonly #reader = new PktLineReader();
  #capabilities: ReadonlySet<string> = new Set();
  #done = false;

  /** Looks at a piece of the request; what follows the list of refs is not looked at. */
  feed(chunk: Uint8Array): void {
    if (this.#done) return;
    try {
      this.#reader.feed(chunk);
      for (let packet = this.#reader.next(); packet !== undefined; packet = this.#reader.next()) {
        if (packet.kind !== "data") {
          this.#done = true;
          return;
        }
        this.listBytes += packet.payload.length;
        this.#line(packet.payload);
      }
    } catch {
      this.#done = true; // git itself refuses such a request; there is nothing in it for us
    }
  }

  /** Whether progress can be shown to the client, and the answer comes in bands. */
  get sideBand(): boolean {
    return this.#capabilities.has("side-band-64k");
  }

  /** Whether the client wants to be told what became of each ref. */
  get reportsStatus(): boolean {
    return this.#capabilities.has("report-status") || this.#capabilities.has("report-status-v2");
  }

  #line(payload: Buffer): void {
    const zero = payload.indexOf(0);
    if (zero !== -1 && this.#capabilities.size === 0) {
      this.#capabilities = new Set(
        payload
          .toString("utf8", zero + 1)
          .trim()
          .split(" "),
      );
    }
    if (/^[0-9a-f]{40,64} [0-9a-f]{40,64} /.test(payload.toString("latin1", 0, 130))) this.commands++;
  }
}
