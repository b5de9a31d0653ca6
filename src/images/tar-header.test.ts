import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { runCommand } from "../shared/run-command.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";

function archive(files: ReadonlyMap<string, Buffer>): Buffer {
  const parts = [...files].flatMap(([name, content]) => [
    tarHeader(name, content.length),
    content,
    Buffer.alloc(tarPadding(content.length)),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

const awkward = [
  "www/a.html",
  `www/${"n".repeat(96)}`,
  `www/${"n".repeat(97)}`,
  `www/${"folder/".repeat(20)}page.html`,
  `www/${"d".repeat(151)}/${"n".repeat(100)}`,
  `www/${"d".repeat(152)}/${"n".repeat(100)}`,
  `www/${"d".repeat(255)}/${"e".repeat(255)}/${"f".repeat(255)}/${"n".repeat(200)}`,
  "www/Ünïcödé/日本語/🦊.html",
  "www/with space/and\nline\tbreak",
  "www/-rf",
  "www/100% \"quoted\" 'names' \\ back",
];

test("the tar program unpacks awkward names, with the modes and times that we say", async () => {
  await using folder = temporaryFolder("tar");
  const files = new Map(awkward.map((name) => [name, Buffer.from(`content of ${name}`)]));
  writeFileSync(folder.file("a.tar"), archive(files));
  const args = ["--extract", "--same-permissions", "--warning=all", "-f", "a.tar"];
  const result = await runCommand({ file: "tar", args, cwd: folder.path, env: { PATH: "/usr/bin:/bin" } });
  expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: "" });
  for (const [name, content] of files) {
    const path = folder.file(name);
    expect(readFileSync(path)).toEqual(content);
    expect(statSync(path)).toMatchObject({ mtimeMs: 0 });
    expect(statSync(path).mode & 0o7777).toBe(0o644);
  }
  const found = readdirSync(folder.file("www"), { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  expect(found.map((e) => join(e.parentPath, e.name)).sort()).toEqual(awkward.map((n) => folder.file(n)).sort());
});

test("whatever the name, an independent reader finds it and its content", async () => {
  const name = fc
    .array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 6 })
    .map((parts) => `www/${parts.map((part) => part.replaceAll(/[/\0]/g, "_")).join("/")}`);
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(name, fc.uint8Array({ maxLength: 1500 }), { noNullPrototype: true }),
      async (files) => {
        const wanted = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
        const found = new Map<string, Buffer>();
        const reader = extract();
        reader.end(archive(wanted));
        for await (const entry of reader) {
          const chunks: Buffer[] = [];
          for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
          expect(entry.header).toMatchObject({ uid: 0, gid: 0, mode: 0o644, type: "file" });
          found.set(entry.header.name, Buffer.concat(chunks));
        }
        expect(found).toEqual(wanted);
      },
    ),
    { numRuns: 60 },
  );
});

test("the size of a file beyond 8 GiB is told", () => {
  const header = tarHeader("www/huge", 9 * 1024 ** 3);
  expect(header.toString("latin1")).toContain(" size=9663676416\n");
});

test("the bytes never change: digests of images depend on them", () => {
  const bytes = Buffer.concat([...awkward, "www/folder/", "www/ö/"].map((name, i) => tarHeader(name, i * 1000)));
  expect(createHash("sha256").update(bytes).digest("hex")).toMatchInlineSnapshot(
    `"5e18ee565b8763d1149a4bbee648d2b212379168ef6a1e86dd1a0bdf70692736"`,
  );
});
