/**
 * Git's packets: four hexadecimal digits that count themselves and what follows.
 * https://git-scm.com/docs/gitprotocol-common#_pkt_line_format
 */
export interface Packet {
  kind: "data" | "flush" | "delimiter" | "end";
  /** What is in it; empty unless `data`. */
  payload: Buffer;
}

/** The most bytes in one packet, its length digits not counted. */
export const MAX_PAYLOAD = 65516;

export const FLUSH = Buffer.from("0000");

const EMPTY = Buffer.alloc(0);
const SPECIAL = ["flush", "delimiter", "end"] as const;

/** Cuts a stream into packets, however the stream is chunked. Holds one packet at most, besides what was fed last. */
export class PktLineReader {
  #bytes: Buffer = EMPTY;

  feed(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#bytes = this.#bytes.length === 0 ? buffer : Buffer.concat([this.#bytes, buffer]);
  }

  /** The next whole packet, or undefined until more is fed. Throws if the stream is no packets. */
  next(): Packet | undefined {
    if (this.#bytes.length < 4) return undefined;
    const digits = this.#bytes.toString("latin1", 0, 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Error(`not a packet length: ${JSON.stringify(digits)}`);
    const length = Number.parseInt(digits, 16);
    const special = SPECIAL[length];
    if (special !== undefined) return { kind: special, payload: this.#take(4).subarray(4) };
    if (length === 3 || length > MAX_PAYLOAD + 4) throw new Error(`not a packet length: ${digits}`);
    if (this.#bytes.length < length) return undefined;
    return { kind: "data", payload: this.#take(length).subarray(4) };
  }

  /** What was fed and is not a packet yet. */
  get rest(): Buffer {
    return this.#bytes;
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}

/** A packet with these bytes in it; at most MAX_PAYLOAD. */
export function dataPacket(payload: Uint8Array): Buffer {
  if (payload.length > MAX_PAYLOAD) throw new RangeError(`a packet holds ${MAX_PAYLOAD} bytes`);
  return Buffer.concat([Buffer.from((payload.length + 4).toString(16).padStart(4, "0")), payload]);
}

/** Packets of a side band (1 data, 2 progress, 3 fatal error), as many as it takes. An empty payload is one empty packet. */
export function bandPackets(band: 1 | 2 | 3, payload: Uint8Array): Buffer {
  const room = MAX_PAYLOAD - 1;
  const packets: Buffer[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += room) {
    packets.push(dataPacket(Buffer.concat([Buffer.of(band), payload.subarray(at, at + room)])));
  }
  return Buffer.concat(packets);
}

/** A packet as it goes over the wire. */
export function encodePacket({ kind, payload }: Packet): Buffer {
  if (kind === "data") return dataPacket(payload);
  return Buffer.from(SPECIAL.indexOf(kind).toString().padStart(4, "0"));
}
