import { existsSync } from "node:fs";
import { expect, test, type TestContext } from "vitest";
import { nativeBinary, startNative } from "../../../test/support/native-server.ts";
import { wrongAnswers } from "../../../test/support/native-vectors.ts";
import { siteFolder } from "../test-support/site-folder.ts";
import { vectorSite } from "../test-support/vectors.ts";

const QEMU = "/usr/bin/qemu-aarch64-static";

async function passVectors(context: TestContext, architecture: "amd64" | "arm64", wrapper: string[]): Promise<void> {
  const binary = await nativeBinary(context, architecture);
  using folder = siteFolder(vectorSite());
  await using server = await startNative(binary, folder.path, { wrapper });
  expect(await wrongAnswers(server)).toEqual([]);
}

test("the vectors pass", { timeout: 120_000 }, (context) => passVectors(context, "amd64", []));

test("the vectors pass on arm64, under qemu", { timeout: 120_000 }, (context) => {
  if (!existsSync(QEMU)) context.skip("needs qemu-aarch64-static of the Debian package qemu-user-static");
  return passVectors(context, "arm64", [QEMU]);
});
