import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Header as TarHeader, pack } from "tar-stream";
import { receiveUpload } from "./receive-upload.ts";

let root: string;
let into: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "steppe-upload-"));
  into = join(root, "into");
  mkdirSync(into);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function archive(entries: Array<[Partial<TarHeader> & { name: string }, string?]>): Promise<Buffer> {
  const tar = pack();
  for (const [header, content = ""] of entries) tar.entry(header, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("an upload", () => {
  it("that the disk does not take is refused with what the system said", async () => {
    rmSync(into, { recursive: true });
    const bytes = await archive([[{ name: "a.html" }, "a".repeat(500_000)]]);
    await expect(receiveUpload(inPieces(bytes), into, "blog")).rejects.toMatchObject({
      reason: expect.stringContaining("ENOENT") as string,
    });
  });

  it("made by tar is unpacked as it was", async () => {
    const from = join(root, "from");
    const long = "d".repeat(120);
    mkdirSync(join(from, long, "empty"), { recursive: true });
    writeFileSync(join(from, "a é.html"), "a");
    writeFileSync(join(from, long, "b".repeat(150)), "b");
    writeFileSync(join(from, "large"), Buffer.alloc(2_000_000, 7));
    execFileSync("ln", ["-s", "a é.html", join(from, "link")]);
    execFileSync("ln", [join(from, "large"), join(from, "same")]);
    for (const format of ["gnu", "pax"]) {
      const bytes = execFileSync("tar", [`--format=${format}`, "-C", from, "-cf", "-", "."], { maxBuffer: 1e8 });
      const target = join(root, format);
      mkdirSync(target);
      await receiveUpload(inPieces(bytes, 70_000), target, "blog");
      expect(execFileSync("diff", ["-r", "--no-dereference", from, target], { encoding: "utf8" })).toBe("");
    }
  });

  it.each<[string, Array<[Partial<TarHeader> & { name: string }, string?]>, string]>([
    ["a path that leads up", [[{ name: "../x" }, "x"]], "UPLOAD_INVALID"],
    ["a path that leads up within", [[{ name: "a/../../x" }, "x"]], "UPLOAD_INVALID"],
    ["an absolute path", [[{ name: "/tmp/x" }, "x"]], "UPLOAD_INVALID"],
    [
      "a file through a link",
      [[{ name: "a", type: "symlink", linkname: "/tmp" }], [{ name: "a/x" }, "x"]],
      "UPLOAD_INVALID",
    ],
    [
      "a folder over a link",
      [[{ name: "a", type: "symlink", linkname: ".." }], [{ name: "a", type: "directory" }]],
      "UPLOAD_INVALID",
    ],
    [
      "a file over a link",
      [[{ name: "a", type: "symlink", linkname: "../x" }], [{ name: "a" }, "x"]],
      "UPLOAD_INVALID",
    ],
    ["a hard link out", [[{ name: "a", type: "link", linkname: "../../etc/passwd" }]], "UPLOAD_INVALID"],
    [
      "a hard link to a link",
      [[{ name: "l", type: "symlink", linkname: "/etc/passwd" }], [{ name: "a", type: "link", linkname: "l" }]],
      "UPLOAD_INVALID",
    ],
    ["a device", [[{ name: "a", type: "character-device", devmajor: 1, devminor: 3 }]], "UPLOAD_INVALID"],
    ["a pipe", [[{ name: "a", type: "fifo" }]], "UPLOAD_INVALID"],
    ["a path that is too long", [[{ name: `${"x".repeat(200)}/`.repeat(6) + "x" }, "x"]], "PATH_TOO_LONG"],
    ["a name that is no UTF-8", [[{ name: "a\ufffd" }, "x"]], "PATH_NOT_UTF8"],
    [
      "too much",
      [
        [{ name: "a" }, "x".repeat(3000)],
        [{ name: "b" }, "x".repeat(3000)],
      ],
      "BODY_TOO_LARGE",
    ],
    ["too many", Array.from({ length: 12 }, (_, index) => [{ name: `f${index}` }, "x"]), "UPLOAD_INVALID"],
  ])("with %s is refused", async (_what, entries, code) => {
    const bytes = await archive(entries);
    const limits = { maxBytes: 5000, maxEntries: 10 };
    await expect(receiveUpload(inPieces(bytes), into, "blog", limits)).rejects.toMatchObject({ code });
    expect(readdirSync(root)).toEqual(["into"]);
  });

  it("that is no archive, or breaks off, is refused", async () => {
    await expect(receiveUpload(inPieces(Buffer.alloc(2000, "x")), into, "blog")).rejects.toMatchObject({
      code: "UPLOAD_INVALID",
    });
    const bytes = await archive([[{ name: "a" }, "x".repeat(5000)]]);
    await expect(receiveUpload(inPieces(bytes.subarray(0, 3000)), into, "blog")).rejects.toMatchObject({
      code: "UPLOAD_INVALID",
    });
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 1024);
      throw new Error("the client went away");
    }
    rmSync(into, { recursive: true });
    mkdirSync(into);
    await expect(receiveUpload(broken(), into, "blog")).rejects.toMatchObject({
      code: "UPLOAD_INVALID",
      reason: "the client went away",
    });
  });

  it("with a file whose holes are left out is refused, not taken for what is stored of it", async () => {
    const file = join(root, "holes");
    execFileSync("truncate", ["-s", "10M", file]);
    const bytes = execFileSync("tar", ["--sparse", "--format=gnu", "-C", root, "-cf", "-", "holes"]);
    await expect(receiveUpload(inPieces(bytes), into, "blog")).rejects.toMatchObject({ code: "UPLOAD_INVALID" });
  });

  it("keeps links as links", async () => {
    const bytes = await archive([
      [{ name: "./", type: "directory" }],
      [{ name: "out", type: "symlink", linkname: "/etc/passwd" }],
      [{ name: "d/f" }, "f"],
    ]);
    await receiveUpload(inPieces(bytes), into, "blog");
    expect(readlinkSync(join(into, "out"))).toBe("/etc/passwd");
    expect(readFileSync(join(into, "d/f"), "utf8")).toBe("f");
    expect(lstatSync(join(into, "d")).mode & 0o777).toBe(0o755);
    expect(existsSync(join(into, "d/f"))).toBe(true);
  });
});
