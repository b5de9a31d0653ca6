import { randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { runCommand } from "../../shared/run-command.ts";
import { ByteReader } from "../byte-reader.ts";
import { collect } from "../registry/fakes.ts";
import { TAR_END, tarHeader } from "../tar-header.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";

async function* inPieces(archive: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

async function read(archive: Buffer, size = 997): Promise<Array<TarEntry & { content: Buffer }>> {
  const reader = new TarReader(new ByteReader(inPieces(archive, size)), "an archive");
  const entries: Array<TarEntry & { content: Buffer }> = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    entries.push({ ...entry, content: Buffer.concat(await collect(reader.content())) });
  }
  return entries;
}

const names = async (archive: Buffer): Promise<string[]> => (await read(archive)).map(({ name }) => name.toString());

describe("a tar archive", () => {
  test.each(["gnu", "pax", "ustar", "v7"])("of GNU tar in the form %s is read", async (format) => {
    await using folder = temporaryFolder("tar");
    const root = folder.file("root");
    mkdirSync(join(root, "sub"), { recursive: true });
    const long = `${"n".repeat(90)}.txt`;
    const content = randomBytes(3000);
    writeFileSync(join(root, "sub", long), content);
    writeFileSync(join(root, "empty"), "");
    symlinkSync("sub/x", join(root, "link"));
    const more = format === "gnu" || format === "pax";
    const deep = "d/".repeat(100);
    if (more) {
      mkdirSync(join(root, deep), { recursive: true });
      writeFileSync(join(root, deep, "ü\u{1f98a}"), "deep");
      symlinkSync("t".repeat(200), join(root, "far"));
    }
    const args = ["--create", `--format=${format}`, "--sort=name", "--directory", root, "."];
    const { code, stdout, stderr } = await runCommand({ file: "tar", args, env: { PATH: process.env["PATH"] ?? "" } });
    expect(code, stderr).toBe(0);
    const entries = new Map((await read(stdout)).map((entry) => [entry.name.toString(), entry]));
    expect(entries.get(`./sub/${long}`)).toMatchObject({ kind: "file", size: 3000, content });
    expect(entries.get("./sub/")).toMatchObject({ kind: "folder", size: 0 });
    expect(entries.get("./empty")).toMatchObject({ kind: "file", size: 0 });
    expect(entries.get("./link")?.target.toString()).toBe("sub/x");
    if (!more) return;
    expect(entries.get(`./${deep}ü\u{1f98a}`)?.content.toString()).toBe("deep");
    expect(entries.get("./far")?.target.toString()).toBe("t".repeat(200));
  });

  test("of tar-stream is read, whatever is in it and however it comes; each offset is where the content is", async () => {
    const name = fc.stringMatching(/^[a-zä]{1,150}(\/[a-z]{1,90}){0,2}$/);
    const thing = fc.record({ name, content: fc.uint8Array({ maxLength: 1500 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(thing, { maxLength: 5 }), fc.integer({ min: 1, max: 3000 }), async (things, size) => {
        const archive = pack();
        for (const item of things) archive.entry({ name: item.name }, Buffer.from(item.content));
        archive.finalize();
        const bytes = Buffer.concat(await collect(archive as AsyncIterable<Buffer>));
        const entries = await read(bytes, size);
        const found = entries.map((entry) => ({ name: entry.name.toString(), content: new Uint8Array(entry.content) }));
        expect(found).toEqual(things);
        for (const entry of entries) {
          expect(bytes.subarray(entry.offset, entry.offset + entry.size).equals(entry.content)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("has names of any bytes", async () => {
    const header = tarHeader("name", 0);
    header[0] = 0xff;
    header.write(sumOf(header), 148, "latin1");
    expect((await read(Buffer.concat([header, TAR_END])))[0]?.name).toEqual(Buffer.of(0xff, 0x61, 0x6d, 0x65));
  });

  test("ends at its end, with or without the zeros", async () => {
    const one = tarHeader("a", 0);
    expect(await names(Buffer.concat([one, TAR_END, Buffer.from("whatever")]))).toEqual(["a"]);
    expect(await names(one)).toEqual(["a"]);
    expect(await names(Buffer.alloc(0))).toEqual([]);
  });

  test.each<[string, Buffer]>([
    ["within a header", tarHeader("a", 0).subarray(0, 300)],
    ["within a file", Buffer.concat([tarHeader("a", 5000), Buffer.alloc(700)])],
    ["with a damaged header", Buffer.concat([tarHeader("a", 0).fill(7, 3, 5)])],
    ["with a header of 8 GiB", extended("x", 8 ** 11 - 1, Buffer.alloc(0))],
    ["with a record that is too long", extended("x", 14, Buffer.from("99 path=hello\n"))],
    ["with a record without an end", extended("x", 13, Buffer.from("13 path=hello"))],
    ["with a size that is no number", extended("x", 12, Buffer.from("12 size=abc\n"))],
    ["with a sparse file", extended("x", 22, Buffer.from("22 GNU.sparse.major=1\n"))],
  ])("%s is refused", async (_, archive) => {
    await expect(read(archive)).rejects.toMatchObject({ code: "IMAGE_INVALID" });
  });

  test("whatever bytes come, it is read or refused", async () => {
    const base = Buffer.concat([tarHeader("ä".repeat(80), 5), Buffer.alloc(512, 1), tarHeader("b/", 0), TAR_END]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 4 }), async (changes) => {
        const archive = Buffer.from(base);
        for (const [at, byte] of changes) archive[at] = byte;
        await read(archive).catch((error: unknown) => expect(error).toMatchObject({ code: "IMAGE_INVALID" }));
      }),
    );
  });
});

function sumOf(header: Buffer): string {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return `${sum.toString(8).padStart(6, "0")}\0 `;
}

function extended(type: string, size: number, content: Buffer): Buffer {
  const header = tarHeader("PaxHeader", size);
  header.write(type, 156, "latin1");
  header.write(sumOf(header), 148, "latin1");
  return Buffer.concat([
    header,
    content,
    Buffer.alloc((512 - (content.length % 512)) % 512),
    tarHeader("a", 0),
    TAR_END,
  ]);
}
