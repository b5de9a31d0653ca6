import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Numbers } from "../../test/support/numbers.ts";
import * as layout from "./core/layout.ts";
import { AnswerCore } from "./test-support/answer-core.ts";
import { vectorSite } from "./test-support/vectors.ts";
import { WAYS } from "./test-support/memory-host.ts";
import { writeSite } from "./test-support/write-site.ts";

let core: AnswerCore;
beforeEach(async () => {
  core = await AnswerCore.create();
});

describe("room for sites", () => {
  test("100,000 switches of sites of varying sizes leak nothing and disturb no other", () => {
    const { exports } = core;
    const numbers = new Numbers();
    const sites = Array.from({ length: 200 }, () => ({ at: 0, bytes: 0 }));
    const load = (i: number): void => {
      const bytes = 200 + numbers.below(numbers.below(10) === 0 ? 200_000 : 20_000);
      const at = exports.siteRoom(bytes);
      expect(at % 16).toBe(0);
      const { memory } = core;
      memory.writeUInt32LE(i, at);
      memory.writeUInt32LE(i, at + bytes - 4);
      sites[i] = { at, bytes };
    };
    for (const i of sites.keys()) load(i);
    let settled = 0;
    for (let round = 0; round < 100_000; round++) {
      const i = numbers.below(sites.length);
      const old = sites[i]!;
      load(i);
      const { memory } = core;
      if (memory.readUInt32LE(old.at) !== i || memory.readUInt32LE(old.at + old.bytes - 4) !== i)
        throw new Error("disturbed");
      exports.siteFree(old.at);
      if (round === 20_000) settled = core.memory.length;
    }
    // What a few unlucky sizes in a row may need besides.
    expect(core.memory.length).toBeLessThan(settled * 1.3);
    const live = sites.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(core.memory.length).toBeLessThan(live * 3 + 2 ** 20);
    for (const { at } of sites) exports.siteFree(at);
    // All of it is one block again.
    const before = core.memory.length;
    expect(exports.siteRoom(before - 65536 * 5)).not.toBe(0);
    expect(core.memory.length).toBe(before);
  });

  test("whatever order, blocks do not overlap", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(3000), fc.nat()), { maxLength: 200 }), (steps) => {
        const { exports } = core;
        const blocks: { at: number; bytes: number }[] = [];
        for (const [takes, bytes, which] of steps) {
          if (takes || blocks.length === 0) {
            const at = exports.siteRoom(bytes);
            for (const other of blocks) expect(at + bytes <= other.at || other.at + other.bytes <= at).toBe(true);
            core.memory.fill(0xff, at, at + bytes);
            blocks.push({ at, bytes });
          } else {
            const [block] = blocks.splice(which % blocks.length, 1);
            exports.siteFree(block!.at);
          }
        }
        for (const { at } of blocks) exports.siteFree(at);
      }),
    );
  });

  test("when there is no memory there is no room, and what there was goes on", () => {
    const { exports } = core;
    expect(exports.siteRoom(0xffffffff)).toBe(0);
    expect(exports.siteRoom(0xfffe0000)).toBe(0);
    const at = exports.siteRoom(100);
    expect(at).not.toBe(0);
    exports.siteFree(at);
    expect(() => exports.siteFree(at)).toThrow("unreachable");
    expect(() => exports.siteFree(0)).toThrow("unreachable");
    expect(() => exports.siteFree(at + 4)).toThrow("unreachable");
  });
});

describe("an index is checked", () => {
  const { index } = writeSite({ ...vectorSite(), fallback: "index.html", errors: { 405: "404.html" } });
  const check = (bytes: Buffer): boolean => {
    const at = core.exports.siteRoom(bytes.length);
    core.memory.set(bytes, at);
    return core.exports.siteCheck(at, bytes.length) === 1;
  };
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(index);
    change(bytes);
    return bytes;
  };
  const part = (pair: number): number => index.readUInt32LE(pair + 4);

  test("as it is made it is sound, cut or lengthened it is not", () => {
    expect(check(index)).toBe(true);
    expect(check(index.subarray(0, -8))).toBe(false);
    expect(check(Buffer.concat([index, Buffer.alloc(8)]))).toBe(false);
    expect(check(Buffer.alloc(0))).toBe(false);
    expect(check(Buffer.alloc(128))).toBe(false);
    expect(core.exports.siteCheck(core.memory.length - 64, 128)).toBe(0);
  });

  test.each<[string, (bytes: Buffer) => void]>([
    ["another version", (bytes) => bytes.writeUInt16LE(1, layout.SITE_AT_VERSION)],
    ["slots that are no power of two", (bytes) => bytes.writeUInt32LE(3, layout.SITE_AT_SLOTS)],
    ["a count that overflows", (bytes) => bytes.writeUInt32LE(0x10000001, layout.SITE_AT_URLS)],
    ["parts over one another", (bytes) => bytes.writeUInt32LE(part(layout.SITE_AT_SLOTS), layout.SITE_AT_FILES + 4)],
    [
      "a position that is not aligned",
      (bytes) => bytes.writeUInt32LE(part(layout.SITE_AT_URLS) + 1, layout.SITE_AT_URLS + 4),
    ],
    ["a page that is no file", (bytes) => bytes.writeUInt32LE(99, layout.SITE_AT_NOT_FOUND)],
    ["a fallback that is no file", (bytes) => bytes.writeUInt32LE(99, layout.SITE_AT_FALLBACK)],
    ["a date that is none", (bytes) => bytes.writeDoubleLE(NaN, layout.SITE_AT_MODIFIED)],
    ["a date after all dates", (bytes) => bytes.writeDoubleLE(1e15, layout.SITE_AT_MODIFIED)],
    ["a slot that leads nowhere", (bytes) => bytes.writeUInt32LE(999, part(layout.SITE_AT_SLOTS))],
    ["a path outside", (bytes) => bytes.writeUInt32LE(bytes.length, part(layout.SITE_AT_URLS) + layout.URL_AT_PATH)],
    ["a path among the records", (bytes) => bytes.writeUInt32LE(0, part(layout.SITE_AT_URLS) + layout.URL_AT_PATH)],
    ["a URL of no file", (bytes) => bytes.writeUInt32LE(999, part(layout.SITE_AT_URLS) + layout.URL_AT_FILE)],
    ["a URL of no head", (bytes) => bytes.writeUInt16LE(999, part(layout.SITE_AT_URLS) + layout.URL_AT_HEAD)],
    ["a file without its identity", (bytes) => bytes.writeUInt8(2, part(layout.SITE_AT_FILES) + layout.FILE_AT_FORMS)],
    ["a file of too many forms", (bytes) => bytes.writeUInt8(31, part(layout.SITE_AT_FILES) + layout.FILE_AT_FORMS)],
    [
      "forms that there are not",
      (bytes) => bytes.writeUInt32LE(0xffffffff, part(layout.SITE_AT_FILES) + layout.FILE_AT_FORM),
    ],
    ["a tag with a quote", (bytes) => bytes.write('"', part(layout.SITE_AT_FILES) + layout.FILE_AT_TAG + 3)],
    ["an offset below zero", (bytes) => bytes.writeDoubleLE(-1, part(layout.SITE_AT_FORMS) + layout.FORM_AT_OFFSET)],
    ["half a byte", (bytes) => bytes.writeDoubleLE(0.5, part(layout.SITE_AT_FORMS) + layout.FORM_AT_BYTES)],
    [
      "a source that there is not",
      (bytes) => bytes.writeUInt32LE(5, part(layout.SITE_AT_FORMS) + layout.FORM_AT_SOURCE),
    ],
    ["a head that ends the head", (bytes) => bytes.write("\r\n\r\n", bytes.readUInt32LE(part(layout.SITE_AT_HEADS)))],
    ["a head too long", (bytes) => bytes.writeUInt16LE(8193, part(layout.SITE_AT_HEADS) + layout.HEAD_AT_COMMON)],
    ["a head that is cut", (bytes) => bytes.writeUInt16LE(5, part(layout.SITE_AT_HEADS) + layout.HEAD_AT_COMMON)],
    ["a source's name outside", (bytes) => bytes.writeUInt32LE(0xfffffff0, part(layout.SITE_AT_SOURCES))],
    ["an error that is no status", (bytes) => bytes.writeUInt32LE(200, part(layout.SITE_AT_ERRORS))],
    ["an error of no file", (bytes) => bytes.writeUInt32LE(99, part(layout.SITE_AT_ERRORS) + 4)],
    ["rules outside", (bytes) => bytes.writeUInt32LE(bytes.length, layout.SITE_AT_RULES)],
  ])("%s is found", (_what, change) => {
    expect(check(changed(change))).toBe(false);
  });

  test("no slot free: a search would not end", () => {
    const full = changed((bytes) => {
      for (let i = 0; i < bytes.readUInt32LE(layout.SITE_AT_SLOTS); i++)
        bytes.writeUInt32LE(1, part(layout.SITE_AT_SLOTS) + i * 4);
    });
    expect(check(full)).toBe(false);
  });

  test.each(Object.entries(WAYS))("what passes can be answered from, whatever bytes it holds: %s", (_way, write) => {
    const headers = "/*\n  X-A: b\n/:one/x\n  ! X-A\n  X-C: d\n";
    const redirects =
      "/old/* /new/:splat 301\n/a/:b/c /docs/:b 200\n/q x=:x /r/:x 302\n/docs/page.html /style.css 200!\n/bye /404.html 410\n";
    const described = { ...vectorSite(), fallback: "index.html", errors: { 405: "404.html" }, headers, redirects };
    const sound = write(described).index;
    const { exports } = core;
    const at = exports.siteRoom(sound.length);
    // It lies at the end of the memory, so that a read behind it traps.
    const room = exports.siteRoom(core.memory.length - at - sound.length - 48);
    expect(room).not.toBe(0);
    const position = fc.oneof(
      fc.nat(sound.length - 1),
      fc.nat(layout.SITE_HEADER),
      fc.nat(Math.min(1500, sound.length - 1)),
    );
    const value = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
    fc.assert(
      fc.property(fc.array(fc.tuple(position, value), { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Buffer.from(sound);
        for (const [where, byte] of changes) bytes[where] = byte;
        core.memory.set(bytes, at);
        if (exports.siteCheck(at, bytes.length) === 0) return;
        for (const target of [
          "/",
          "/docs",
          "/style.css",
          "/nothing",
          "/b%C3%BCcher",
          "/x.y",
          "/old/y",
          "/a/b/c",
          "/q?x=1",
          "/bye",
        ]) {
          core.parse(`GET ${target} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br, gzip\r\nRange: bytes=3-5\r\n\r\n`);
          exports.respond(at, 0);
          const answer = core.readAnswer();
          if ((answer.flags & layout.ANSWER_NEEDS_TAG) !== 0) continue;
          expect(answer.head.indexOf("\r\n\r\n")).toBe(answer.head.length - answer.pageBytes - 4);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
