import { existsSync } from "node:fs";
import { expect, test, type TestContext } from "vitest";
import { nativeBinary, type NativeServer, startNative } from "../../../test/support/native-server.ts";
import { siteFolder } from "../test-support/site-folder.ts";
import { judge, readWireAnswer, requestOf, type Vector, vectors, vectorSite } from "../test-support/vectors.ts";

const QEMU = "/usr/bin/qemu-aarch64-static";

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
  using folder = siteFolder(vectorSite());
  await using server = await startNative(binary, folder.path, { wrapper });
  expect(await wrongAnswers(server, vectors())).toEqual([]);
}

test("the vectors pass", { timeout: 120_000 }, (context) => passVectors(context, "amd64", []));

test("the vectors pass on arm64, under qemu", { timeout: 120_000 }, (context) => {
  if (!existsSync(QEMU)) context.skip("needs qemu-aarch64-static of the Debian package qemu-user-static");
  return passVectors(context, "arm64", [QEMU]);
});
