import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { nativeBinary, type NativeServer, startNative } from "../../../test/support/native-server.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { judge, readWireAnswer, requestOf, type Vector, vectors, vectorSite } from "../test-support/vectors.ts";
import { bytesOf } from "../test-support/write-site.ts";

const QEMU = "/usr/bin/qemu-aarch64-static";
const SUFFIXES = { br: ".br", zstd: ".zst", gzip: ".gz" } as const;

/** The site of the vectors as a folder. */
function siteFolder(): TemporaryFolder {
  const folder = temporaryFolder("native-vectors");
  const { files, modified, headers, redirects } = vectorSite();
  const write = (path: string, content: Buffer | string): void => {
    const file = folder.file(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, modified, modified);
  };
  for (const { path, body, forms } of files) {
    write(path, bytesOf(body));
    for (const [form, content] of Object.entries(forms ?? {}) as ["br" | "zstd" | "gzip", string][]) {
      write(path + SUFFIXES[form], bytesOf(content));
    }
  }
  if (headers !== undefined) write("_headers", headers);
  if (redirects !== undefined) write("_redirects", redirects);
  return folder;
}

async function ask(server: NativeServer, request: string): Promise<ReturnType<typeof readWireAnswer>> {
  const answer = await server.exchange(Buffer.from(request, "latin1"));
  return readWireAnswer(answer, request.startsWith("HEAD "));
}

async function wrongAnswers(server: NativeServer, list: readonly Vector[]): Promise<string[]> {
  const site = vectorSite();
  const wrong = await Promise.all(
    list.map(async (vector) => {
      const before = vector.before === undefined ? undefined : await ask(server, vector.before);
      const answer = await ask(server, requestOf(vector, before));
      return judge(vector, answer, site).map((line) => `${vector.name}: ${line}`);
    }),
  );
  return wrong.flat();
}

async function passVectors(context: TestContext, architecture: "amd64" | "arm64", wrapper: string[]): Promise<void> {
  const binary = await nativeBinary(context, architecture);
  using folder = siteFolder();
  await using server = await startNative(binary, folder.path, { wrapper });
  expect(await wrongAnswers(server, vectors())).toEqual([]);
}

test("the vectors pass", { timeout: 120_000 }, (context) => passVectors(context, "amd64", []));

test("the vectors pass on arm64, under qemu", { timeout: 120_000 }, (context) => {
  if (!existsSync(QEMU)) context.skip("needs qemu-aarch64-static of the Debian package qemu-user-static");
  return passVectors(context, "arm64", [QEMU]);
});
