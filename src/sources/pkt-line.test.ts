import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bandPackets, dataPacket, encodePacket, FLUSH, MAX_PAYLOAD, type Packet, PktLineReader } from "./pkt-line.ts";
import { PushReport } from "./push-report.ts";
import { PushRequest } from "./push-request.ts";

const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes): Packet => ({ kind: "data", payload: Buffer.from(bytes) })),
  fc
    .constantFrom<Packet["kind"]>("flush", "delimiter", "end")
    .map((kind): Packet => ({ kind, payload: Buffer.alloc(0) })),
);
const cuts = fc.array(fc.nat({ max: 5000 }), { maxLength: 40 });

function pieces(bytes: Buffer, at: number[]): Buffer[] {
  const places = [0, ...at.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

describe("packets", () => {
  it("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 20 }), cuts, (packets, at) => {
        const reader = new PktLineReader();
        const seen: Packet[] = [];
        for (const piece of pieces(Buffer.concat(packets.map(encodePacket)), at)) {
          reader.feed(piece);
          for (let next = reader.next(); next !== undefined; next = reader.next()) seen.push(next);
        }
        expect(seen.map((one) => [one.kind, one.payload.toString("hex")])).toEqual(
          packets.map((one) => [one.kind, one.payload.toString("hex")]),
        );
        expect(reader.rest).toHaveLength(0);
      }),
    );
  });

  it("never hang or read beyond what is there, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), cuts, (bytes, at) => {
        const reader = new PktLineReader();
        try {
          for (const piece of pieces(Buffer.from(bytes), at)) {
            reader.feed(piece);
            while (reader.next() !== undefined);
          }
        } catch (error) {
          expect(String(error)).toContain("not a packet length");
        }
      }),
    );
  });

  it("are at most 65,520 bytes, in bands too", () => {
    expect(() => dataPacket(new Uint8Array(MAX_PAYLOAD + 1))).toThrow(RangeError);
    const reader = new PktLineReader();
    reader.feed(bandPackets(2, new Uint8Array(200_000).fill(7)));
    const sizes: number[] = [];
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      expect(next.payload[0]).toBe(2);
      sizes.push(next.payload.length - 1);
    }
    expect(Math.max(...sizes)).toBe(65_515);
    expect(sizes.reduce((a, b) => a + b)).toBe(200_000);
    expect(bandPackets(1, new Uint8Array()).toString()).toBe("0005\u0001");
  });
});

const ZERO = "0".repeat(40);
const OID = "a".repeat(40);

describe("a push's request", () => {
  it("is understood however it is cut, and what follows is not looked at", () => {
    const lines = [
      `${ZERO} ${OID} refs/tags/v1\0 report-status side-band-64k agent=git/2`,
      `${ZERO} ${OID} refs/tags/v2`,
    ];
    const bytes = Buffer.concat([
      ...lines.map((line) => dataPacket(Buffer.from(line))),
      FLUSH,
      Buffer.from("PACK\0zzzz"),
    ]);
    fc.assert(
      fc.property(cuts, (at) => {
        const request = new PushRequest();
        for (const piece of pieces(bytes, at)) request.feed(piece);
        expect(request).toMatchObject({ commands: 2, sideBand: true, reportsStatus: true });
      }),
    );
  });

  it("that is a probe wants nothing", () => {
    const request = new PushRequest();
    request.feed(FLUSH);
    expect(request.commands).toBe(0);
  });
});

describe("a push's report", () => {
  it.each([true, false])("counts what was accepted (in bands: %s)", (sideBand) => {
    const inner = Buffer.concat([
      ...["unpack ok\n", "ok refs/tags/v1\n", "ng refs/tags/v2 no\n"].map((line) => dataPacket(Buffer.from(line))),
      FLUSH,
    ]);
    const outer = sideBand
      ? Buffer.concat([bandPackets(1, inner.subarray(0, 9)), bandPackets(1, inner.subarray(9)), FLUSH])
      : inner;
    const report = new PushReport(sideBand);
    const reader = new PktLineReader();
    reader.feed(outer);
    for (let next = reader.next(); next !== undefined; next = reader.next()) report.see(next);
    expect(report).toMatchObject({ accepted: 1, complete: true });
  });
});
