import fc from "fast-check";
import { expect, test } from "vitest";
import { SiteIndexMaker } from "./site-index-maker.ts";
import { AnswerCore } from "./test-support/answer-core.ts";
import { MemoryHost } from "./test-support/memory-host.ts";
import { fieldOf, readWireAnswer, type WireAnswer } from "./test-support/vectors.ts";
import { bytesOf, type DescribedFile, writeSite } from "./test-support/write-site.ts";

const core = await AnswerCore.create();

// ── byte ranges, RFC 9110, section 14 ────────────────────────────────────────────────────────────────────────────

const SIZES = [0, 1, 2, 9, 10, 1000, 65_536, 2 ** 31, 2 ** 32 + 5, 2 ** 40];
/** Where the bodies begin in their source, so that a position within a file is none within the source. */
const BEGIN = 777;
const ranged = rangedSite();

function rangedSite(): number {
  using maker = new SiteIndexMaker({});
  for (const size of SIZES) {
    const identity = { pack: "p", offset: BEGIN, size };
    maker.add({ path: `${size}.bin`, hash: Buffer.alloc(32, String(size)), identity });
  }
  return core.load(maker.finish(0).index);
}

/** Asks for a part of the file of so many bytes. */
function askRange(size: number, range: string, method = "GET") {
  const text = `${method} /${size}.bin HTTP/1.1\r\nHost: a.test\r\nRange: ${range}\r\n\r\n`;
  expect(core.parse(text)).toBe(text.length);
  core.exports.respond(ranged, 0);
  const record = core.readAnswer();
  const { fields } = readWireAnswer(Buffer.from(record.head, "latin1"), true);
  const field = (name: string): string | undefined => fields.find(([other]) => other === name)?.[1];
  return { ...record, length: Number(field("Content-Length")), contentRange: field("Content-Range") };
}

/** What a range that is written by the book names: first and last byte; nothing, if the file has no such bytes; undefined for what may be ignored. */
function named(range: string, size: number): [number, number] | "nothing" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return size === 0 || Number(last) === 0 ? "nothing" : [Math.max(0, size - Number(last)), size - 1];
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) return "nothing";
  return [Number(first), last === "" ? size - 1 : Math.min(Number(last), size - 1)];
}

const size = fc.constantFrom(...SIZES);
/** Positions near the edges of a file, of numbers, and of what a number may be. */
const position = fc.oneof(
  fc.constant(""),
  fc.nat(12).map(String),
  fc.tuple(size, fc.integer({ min: -2, max: 2 })).map(([near, by]) => String(Math.max(0, near + by))),
  fc.stringMatching(/^0{0,3}[0-9]{1,20}$/),
);
const written = fc.tuple(position, position).map(([first, last]) => `bytes=${first}-${last}`);
const anyRange = fc.oneof(
  { weight: 4, arbitrary: written },
  { weight: 1, arbitrary: fc.array(written, { minLength: 2, maxLength: 4 }).map((several) => several.join(", ")) },
  { weight: 1, arbitrary: fc.stringMatching(/^(?:bytes|Bytes|lines|)[ \t]{0,2}=?[ \t]{0,2}[-0-9, \t]{0,12}$/) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 30 }) },
);

test("whatever range is asked for, the answer is a part within the file that says which, or the whole, or that there is none", () => {
  fc.assert(
    fc.property(size, anyRange, (size, range) => {
      const { status, offset, bytes, length, contentRange } = askRange(size, range);
      expect(bytes).toBe(status === 416 ? bytes : length);
      if (status === 206) {
        const [, first = "", last = "", all = ""] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? "") ?? [];
        expect(Number(all)).toBe(size);
        expect(Number(first)).toBeLessThanOrEqual(Number(last));
        expect(Number(last)).toBeLessThan(size);
        expect([offset, bytes]).toEqual([BEGIN + Number(first), Number(last) - Number(first) + 1]);
      } else if (status === 416) {
        expect(contentRange).toBe(`bytes */${size}`);
        expect(bytes).toBe(0);
      } else {
        expect([status, bytes, contentRange]).toEqual([200, size, undefined]);
        if (size > 0) expect(offset).toBe(BEGIN);
      }
    }),
    { numRuns: 5000 },
  );
});

test("a range by the book is just what it names; several, and those of other methods than GET, are the whole", () => {
  fc.assert(
    fc.property(size, written, (size, range) => {
      const { status, contentRange } = askRange(size, range);
      const expected = named(range, size);
      if (expected === undefined) expect(status).toBe(200);
      else if (expected === "nothing") expect(status).toBe(416);
      else expect([status, contentRange]).toEqual([206, `bytes ${expected[0]}-${expected[1]}/${size}`]);
      expect(askRange(size, range, "HEAD")).toMatchObject({ status: 200, length: size, contentRange: undefined });
      expect(askRange(size, `${range}, 0-0`).status).toBe(200);
    }),
    { numRuns: 5000 },
  );
});

// ── content codings, RFC 9110, section 12.5.3 ────────────────────────────────────────────────────────────────────

const CODINGS = ["br", "zstd", "gzip"] as const;
type Coding = (typeof CODINGS)[number] | "identity";

/** Files with every choice of forms, and forms of every order of sizes. */
const files = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((choice) =>
  [
    [10, 20, 30],
    [30, 20, 10],
    [20, 20, 20],
    [500, 10, 500],
    [100, 100, 10],
  ].map((sizes, number): DescribedFile => {
    const forms: NonNullable<DescribedFile["forms"]> = {};
    for (const [i, coding] of CODINGS.entries()) {
      if ((choice & (1 << i)) !== 0) forms[coding] = { repeat: coding.slice(0, 1), times: sizes[i] ?? 0 };
    }
    return { path: `${choice}/${number}.txt`, body: { repeat: "i", times: 100 }, forms };
  }),
);
const host = new MemoryHost(core, writeSite({ files, modified: 1_700_000_000 }));

function ask(file: DescribedFile, accepted: string): WireAnswer {
  const text = `GET /${file.path} HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: ${accepted}\r\n\r\n`;
  return readWireAnswer(host.exchange(text), false);
}

function sizeOf({ body, forms = {} }: DescribedFile, coding: Coding): number {
  return bytesOf((coding === "identity" ? body : forms[coding]) ?? "").length;
}

/** How much a client wants a coding, 0 to 1. What it does not name it does not take, but for a file as it is, which is the last resort. */
function quality(accepted: ReadonlyMap<string, number>, coding: Coding): number {
  const own = accepted.get(coding);
  const others = accepted.get("*");
  if (coding !== "identity") return own ?? others ?? 0;
  return own ?? (others === 0 ? 0 : 1e-6);
}

const member = fc.record({
  name: fc.constantFrom(...CODINGS, "identity", "*", "deflate", "compress"),
  thousandths: fc.oneof(fc.constantFrom(undefined, 0, 1, 500, 999, 1000), fc.nat(1000)),
  isUpper: fc.boolean(),
  blank: fc.constantFrom("", " ", "\t "),
});
const list = fc.uniqueArray(member, { selector: ({ name }) => name, minLength: 1, maxLength: 7 });

test("never a coding that was refused; of those that there are, what is wanted most, and of equal ones the smallest", () => {
  fc.assert(
    fc.property(fc.constantFrom(...files), list, (file, members) => {
      const text = members.map(({ name, thousandths, isUpper, blank }) => {
        const q = thousandths === undefined ? "" : `${blank};${blank}${isUpper ? "Q" : "q"}=${thousandths / 1000}`;
        return `${isUpper ? name.toUpperCase() : name}${q}${blank}`;
      });
      const accepted = new Map(members.map(({ name, thousandths = 1000 }) => [name, thousandths / 1000]));
      const answer = ask(file, text.join(","));
      const chosen = (fieldOf(answer, "Content-Encoding") ?? "identity") as Coding;
      const there: Coding[] = ["identity", ...CODINGS.filter((coding) => file.forms?.[coding] !== undefined)];
      expect(there).toContain(chosen);
      expect(answer.body).toHaveLength(sizeOf(file, chosen));
      expect(answer.body.toString().replaceAll(chosen.slice(0, 1), "")).toBe("");
      expect(fieldOf(answer, "Vary")).toBe("Accept-Encoding");
      const wanted = there.filter((coding) => quality(accepted, coding) > 0);
      if (wanted.length === 0) {
        expect(chosen).toBe("identity"); // nothing is left but what everybody can read
        return;
      }
      const rank = (coding: Coding): [number, number] => [quality(accepted, coding), -sizeOf(file, coding)];
      const best = wanted.map(rank).sort(([a, x], [b, y]) => b - a || y - x)[0];
      expect(rank(chosen)).toEqual(best);
    }),
    { numRuns: 5000 },
  );
});

test("whatever stands in Accept-Encoding, the answer is whole, in a form that the field names or as it is, under a tag of its own", () => {
  const tags = new Map<string, string>();
  const text = fc.oneof(
    fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
    fc
      .array(fc.constantFrom("br", "zstd", "gzip", "identity", "*", ",", ";", "q=", "0", "1", ".5", " ", "\t", "="), {
        maxLength: 14,
      })
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(fc.constantFrom(...files), text, (file, accepted) => {
      const answer = ask(file, accepted);
      const coding = (fieldOf(answer, "Content-Encoding") ?? "identity") as Coding;
      expect([answer.status, answer.body.length, answer.rest.length]).toEqual([200, sizeOf(file, coding), 0]);
      if (coding !== "identity") expect(accepted.toLowerCase()).toMatch(new RegExp(`${coding}|\\*`));
      const form = `${file.path} ${coding}`;
      const tag = fieldOf(answer, "ETag") ?? "";
      expect(tags.get(tag) ?? form).toBe(form);
      tags.set(tag, form);
    }),
    { numRuns: 5000 },
  );
});
