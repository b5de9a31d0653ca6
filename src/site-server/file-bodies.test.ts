import { mkdtempDisposableSync, readdirSync, readlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FileBodies } from "./file-bodies.ts";

function makePacks(folder: string): void {
  writeFileSync(join(folder, "a.pack"), Buffer.from("0123456789".repeat(100)));
}

/** How many descriptors of ours lead into a folder. */
function openIn(folder: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false; // closed while we looked
    }
  }).length;
}

describe("bodies in packs", () => {
  test("small ones are read once and kept, within bounds", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "steppe-packs-"));
    makePacks(folder.path);
    const bodies = new FileBodies({ folder: folder.path, cacheBytes: 25 });
    const range = (offset: number) => ({ file: "a.pack", offset, size: 10 });
    expect((await bodies.readSmall(range(3))).bytes.toString()).toBe("3456789012");
    await bodies.readSmall(range(20));
    expect(bodies.cached(range(3))?.bytes.toString()).toBe("3456789012");
    await bodies.readSmall(range(40));
    expect(bodies.cached(range(20))).toBeUndefined(); // nobody asked for it
    expect(bodies.cached(range(3))).toBeDefined();
    expect(bodies.cached(range(40))).toBeDefined();
  });

  test("large ones come in chunks, and a pack is closed when idle, not while it is read", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "steppe-packs-"));
    makePacks(folder.path);
    const bodies = new FileBodies({ folder: folder.path, chunkBytes: 32 });
    const chunks: string[] = [];
    for await (const chunk of bodies.chunks({ file: "a.pack", offset: 5, size: 70 })) {
      chunks.push(chunk.toString());
      bodies.closeIdle();
      expect(openIn(folder.path)).toBe(1);
    }
    expect(chunks.map((chunk) => chunk.length)).toEqual([32, 32, 6]);
    expect(chunks.join("")).toBe("0123456789".repeat(8).slice(5, 75));
    bodies.closeIdle();
    while (openIn(folder.path) > 0) await new Promise(setImmediate);
  });

  test("many slow readers of large ones hold little each", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "steppe-packs-"));
    const path = join(folder.path, "a.pack");
    writeFileSync(path, "");
    truncateSync(path, 1 << 20);
    const bodies = new FileBodies({ folder: folder.path });
    const read = () => bodies.chunks({ file: "a.pack", offset: 0, size: 1 << 20 });
    const readers = Array.from({ length: 2000 }, read);
    let held = 0;
    for (const reader of readers) {
      const { value } = await reader.next();
      held += value instanceof Buffer ? value.length : 0;
    }
    expect(held).toBeLessThan(65 << 20); // at 512 KiB each it would be 1 GiB
    for (const reader of readers) await reader.return(undefined);
    const again = read();
    expect((await again.next()).value).toHaveLength(512 << 10);
    await again.return(undefined);
  });

  test("what is not there is an error, every time, and is found once it is there", async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), "steppe-packs-"));
    const bodies = new FileBodies({ folder: folder.path });
    const range = { file: "a.pack", offset: 990, size: 20 };
    await expect(bodies.readSmall(range)).rejects.toThrow("ENOENT");
    makePacks(folder.path);
    await expect(bodies.readSmall(range)).rejects.toThrow("a.pack ends at 1000, 10 bytes short");
    expect((await bodies.readSmall({ ...range, size: 10 })).bytes.toString()).toBe("0123456789");
  });
});
