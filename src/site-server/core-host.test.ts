import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CoreHost } from "./core-host.ts";
import { FileBodies } from "./file-bodies.ts";
import { FileSender, inPack } from "./file-sender.ts";
import { SiteIndexMaker } from "./site-index-maker.ts";
import { buildSite } from "./test-support/memory-host.ts";
import { TestServer } from "./test-support/test-server.ts";
import { judge, readWireAnswer, requestOf, vectors, vectorSite, type WireAnswer } from "./test-support/vectors.ts";

describe("vectors over sockets", () => {
  const site = vectorSite();

  test("every answer, once from the disk and once from memory", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "steppe-vectors-"));
    const { index, bodies } = buildSite(site);
    writeFileSync(join(folder.path, "bodies"), bodies);
    await using server = await TestServer.start((connection) => {
      connection.core.respond(handle, connection.respondFlags);
      void sender.send(connection, handle);
    });
    const sender = new FileSender(server.core, new FileBodies({ folder: folder.path }), inPack);
    const handle = server.core.load(index);
    const exchange = async (request: string): Promise<WireAnswer> => {
      const client = await server.open();
      client.socket.end(request, "latin1");
      return readWireAnswer(Buffer.from(await client.end(), "latin1"), request.startsWith("HEAD"));
    };
    for (let round = 0; round < 2; round++) {
      for (const vector of vectors()) {
        const before = vector.before === undefined ? undefined : await exchange(vector.before);
        const got = await exchange(requestOf(vector, before));
        expect([vector.name, ...judge(vector, got, site)]).toEqual([vector.name]);
        expect(got.rest).toHaveLength(0);
      }
    }
    expect(server.faults).toEqual([]);
  });
});

/** The index of a site of so many files. */
function indexOf(files: number, modifiedAt: number): Buffer {
  using maker = new SiteIndexMaker();
  for (let i = 0; i < files; i++) {
    const hash = Buffer.alloc(32, `${i}`);
    maker.add({ path: `folder/page-${i}.html`, hash, identity: { pack: "1.pack", offset: i * 100, size: 100 } });
  }
  return maker.finish(modifiedAt).index;
}

describe("sites of a core", () => {
  test("an index of which a byte changed is not taken, and nothing is left of it", () => {
    const core = new CoreHost();
    const index = indexOf(3, 1);
    const corrupt = expect.objectContaining({ code: "CONTENT_CORRUPT" }) as Error;
    for (let at = 0; at < index.length; at += 3) {
      const damaged = Buffer.from(index);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(() => core.load(damaged), `byte ${at}`).toThrow(corrupt);
      expect(() => core.load(index.subarray(0, at))).toThrow(corrupt);
    }
    expect(core.sizeOf(core.load(index))).toBe(index.length);
  });

  test("are switched again and again in the same memory", () => {
    const core = new CoreHost();
    const kept = core.load(indexOf(50, 1));
    const indexes = [20, 30, 40].map((files) => indexOf(files, 2));
    let site = core.load(indexes[0] ?? Buffer.alloc(0));
    let settled = 0;
    for (let i = 0; i < 3_000; i++) {
      const next = core.load(indexes[i % 3] ?? Buffer.alloc(0));
      core.unload(site);
      site = next;
      if (i === 100) settled = core.memoryBytes;
    }
    expect(core.memoryBytes).toBe(settled);
    expect(
      core.parse(0, core.take(Buffer.from("GET /folder/page-7.html HTTP/1.1\r\nHost: a\r\n\r\n"), 0)),
    ).toBeGreaterThan(0);
    core.respond(kept, 0);
    expect(core.answer).toMatchObject({ status: 200, offset: 700, bytes: 100, isWhole: true });
    expect(core.sourceName(kept, core.answer.source)).toBe("1.pack");
  });
});
