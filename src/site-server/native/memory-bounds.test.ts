import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { nativeBinary, type NativeServer, startNative } from "../../../test/support/native-server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { SITE_AT_MAGIC, SITE_AT_SLOTS, SITE_MAGIC } from "../core/layout.ts";

/** Where `answer` has its memory: scripts/site-server/adapt-generated.ts. */
const ANSWER_BASE = 0x50010000;
const REQUEST = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/** Writes a number into the memory of a server, where the site index says where its table of paths lies. */
function damageIndex(server: NativeServer, offset: number): void {
  const { pid } = server.process;
  const line = new RegExp(`^${ANSWER_BASE.toString(16)}-(\\w+) rw`, "m").exec(
    readFileSync(`/proc/${pid}/maps`, "latin1"),
  );
  const end = Number.parseInt(line?.[1] ?? "", 16);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  try {
    const bytes = Buffer.alloc(end - ANSWER_BASE);
    expect(readSync(memory, bytes, 0, bytes.length, ANSWER_BASE)).toBe(bytes.length);
    const magic = Buffer.alloc(4);
    magic.writeUInt32LE(SITE_MAGIC);
    const site = bytes.indexOf(magic) - SITE_AT_MAGIC;
    expect(site).toBeGreaterThan(0);
    const wrong = Buffer.alloc(4);
    wrong.writeUInt32LE(offset);
    writeSync(memory, wrong, 0, 4, ANSWER_BASE + site + SITE_AT_SLOTS + 4);
  } finally {
    closeSync(memory);
  }
}

for (const [where, offset] of [
  ["beyond the memory, but within what is reserved for it, where nothing is mapped", 0x7000_0000],
  ["beyond what is reserved", 0xa000_0000],
] as const) {
  test(`an access ${where}: the process ends, and says so`, { timeout: 120_000 }, async (context) => {
    const binary = await nativeBinary(context);
    await using folder = temporaryFolder("memory-bounds");
    writeFileSync(folder.file("index.html"), "hello");
    await using server = await startNative(binary, folder.path);
    expect((await server.exchange(REQUEST)).toString()).toMatch(/hello$/);
    damageIndex(server, offset);
    expect((await server.exchange(REQUEST)).length).toBe(0);
    expect(await server.ended()).toEqual([70, null]);
    expect(server.errors.at(-1)).toBe("steppe-static: the core stopped: memory out of bounds");
  });
}

test("a fault of the host itself is none of the core", { timeout: 120_000 }, async (context) => {
  const binary = await nativeBinary(context);
  await using folder = temporaryFolder("memory-bounds");
  await using server = await startNative(binary, folder.path);
  server.process.kill("SIGSEGV");
  expect(await server.ended()).toEqual([null, "SIGSEGV"]);
  expect(server.errors).toHaveLength(1);
});
