import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { type TestContext, describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { contentFixture } from "./content-fixture.ts";
import { silentLogger } from "../shared/log.ts";
import { runCommand } from "../shared/run-command.ts";

/** A file system of its own that is soon full. */
async function smallDisk(context: TestContext, megabytes: number): Promise<{ path: string } & AsyncDisposable> {
  if (process.getuid?.() !== 0) context.skip("only root may mount a small disk");
  const folder = temporaryFolder("disk");
  const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin" };
  const args = ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder.path];
  const mounted = await runCommand({ file: "mount", args, env });
  if (mounted.code !== 0) context.skip(`a small disk cannot be mounted here: ${mounted.stderr}`);
  return {
    path: folder.path,
    async [Symbol.asyncDispose]() {
      await runCommand({ file: "umount", args: ["-l", folder.path], env });
      folder[Symbol.dispose]();
    },
  };
}

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield randomBytes(500_000);
}

describe("when the disk is full", () => {
  test.for(["add", "addStream", "commit"] as const)(
    "%s says so, leaves nothing, and the store goes on",
    async (how, context) => {
      await using disk = await smallDisk(context, 4);
      using content = contentFixture({ packs: disk.path });
      const [kept] = await content.add({ a: randomBytes(500_000) });
      const batch = content.files.begin();
      const filling = async (): Promise<void> => {
        if (how === "addStream") await batch.addStream(pieces(20));
        if (how === "add") for (let i = 0; i < 20; i++) await batch.add(randomBytes(500_000));
        if (how === "commit") {
          // Two writers of 1 MiB are ahead of the disk, so that only the last of it does not fit.
          for (let i = 0; i < 7; i++) await batch.add(randomBytes(500_000));
          await batch.add(randomBytes(400_000));
        }
        await batch.commit();
      };
      await expect(filling()).rejects.toMatchObject({ code: "DISK_FULL" });
      await expect(batch.commit()).rejects.toThrow();
      await batch.abort();
      expect(readdirSync(disk.path)).toHaveLength(1);
      await content.files.read(kept!.hash);
      await content.add({ b: randomBytes(500_000) });
    },
  );

  test("garbage collection frees what needs no copy", async (context) => {
    await using disk = await smallDisk(context, 4);
    using content = contentFixture({ packs: disk.path });
    const mixed = await content.add({ live: randomBytes(900_000), dead: randomBytes(1_100_000) });
    await content.add({ dead: randomBytes(1_400_000) });
    const image = await content.images.createImage(mixed.slice(0, 1));
    const filler = content.files.begin();
    await filler.add(randomBytes(300_000));
    await filler.commit();
    const options = { keepImages: () => new Set([image.digest]), beforeRemoval: async () => {}, log: silentLogger };
    const first = await collectGarbage(content.images, options);
    expect(first.bytes).toBeGreaterThan(1_700_000);
    expect(content.packNames()).toHaveLength(1);
    await content.files.read(mixed[0]!.hash);
    const second = await collectGarbage(content.images, options);
    expect(second.bytes).toBeGreaterThan(1_000_000);
    await content.files.read(mixed[0]!.hash);
    expect(existsSync(disk.path)).toBe(true);
  });
});
