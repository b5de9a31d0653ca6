import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { peer } from "../../test/support/peers.ts";
import { dataPacket, FLUSH } from "./pkt-line.ts";
import { Repositories } from "./repositories.ts";
import { TestRepository } from "./test-repository.ts";

const signal = new AbortController().signal;
const NONE = "0".repeat(40);
const SOME = "1".repeat(40);

beforeEach((context) => {
  peer(context, "git");
});

/** Sends a request to a repository; what git answered, and the error's code. */
async function send(repositories: Repositories, path: string, body: AsyncIterable<Uint8Array>) {
  const chunks: Uint8Array[] = [];
  const error = await repositories
    .serve({
      app: "blog",
      method: "POST",
      path,
      query: "",
      headers: { "content-type": `application/x-${path.slice(1)}-request` },
      body,
      answer: {
        start() {},
        async write(chunk) {
          chunks.push(chunk);
        },
        end() {},
        destroy() {},
      },
      signal,
    })
    .then(
      () => undefined,
      (thrown: { code?: string }) => thrown.code,
    );
  return { answer: Buffer.concat(chunks).toString("latin1"), error };
}

describe("a push or fetch that means ill", () => {
  it("with a list without end is refused before git has it all in memory", async () => {
    using folder = temporaryFolder();
    const repositories = new Repositories({ folder: folder.path });
    let sent = 0;
    async function* endless(line: (number: number) => string): AsyncGenerator<Buffer> {
      for (let number = 0; ; number++) {
        const lines = Array.from({ length: 1000 }, (_, index) => dataPacket(Buffer.from(line(number * 1000 + index))));
        const chunk = Buffer.concat(lines);
        sent += chunk.length;
        yield chunk;
      }
    }
    const push = endless((number) => `${NONE} ${SOME} refs/heads/${number}\0report-status\n`);
    expect((await send(repositories, "/git-receive-pack", push)).error).toBe("BODY_TOO_LARGE");
    expect(sent).toBeLessThan(40_000_000);
    sent = 0;
    const fetch = endless((number) => `have ${number.toString(16).padStart(40, "0")}\n`);
    expect((await send(repositories, "/git-upload-pack", fetch)).error).toBe("BODY_TOO_LARGE");
    expect(sent).toBeLessThan(40_000_000);
  });

  it("with an object that says it is 8 GiB gets no memory for it", async () => {
    using folder = temporaryFolder();
    const repositories = new Repositories({ folder: folder.path });
    // Type `commit` and the size, seven bits in a byte: https://git-scm.com/docs/gitformat-pack
    const size = [0x90, 0x80, 0x80, 0x80, 0x80, 0x04];
    const head = Buffer.from([...Buffer.from("PACK"), 0, 0, 0, 2, 0, 0, 0, 1, ...size]);
    const pack = Buffer.concat([head, deflateSync(Buffer.alloc(1000))]);
    const command = dataPacket(Buffer.from(`${NONE} ${SOME} refs/heads/x\0report-status side-band-64k\n`));
    async function* body(): AsyncGenerator<Buffer> {
      yield Buffer.concat([command, FLUSH, pack, createHash("sha1").update(pack).digest()]);
    }
    expect((await send(repositories, "/git-receive-pack", body())).answer).toContain("over limit");
    expect(await repositories.refs("blog")).toEqual([]);
  });

  it("with folders that are billions of files is refused, whether it is read or checked out", async () => {
    using folder = temporaryFolder();
    const user = await TestRepository.create(join(folder.path, "user"));
    const git = (input: string, ...args: string[]): string =>
      execFileSync("git", args, { cwd: user.path, input, encoding: "utf8" }).trim();
    const blob = git("x", "hash-object", "-w", "--stdin");
    const ten = (kind: string, oid: string): string =>
      git(Array.from({ length: 10 }, (_, index) => `${kind} ${oid}\t${"n".repeat(90)}${index}\n`).join(""), "mktree");
    let tree = ten("100644 blob", blob);
    for (let level = 0; level < 9; level++) tree = ten("040000 tree", tree);
    const commit = (await user.git("commit-tree", tree, "-m", "bomb")).trim();
    await user.git("update-ref", "refs/heads/main", commit);
    const repositories = new Repositories({ folder: join(folder.path, "repositories") });
    await repositories.fetch("blog", pathToFileURL(user.path).href, signal);
    const bomb = repositories.tree("blog", commit, "blog@v1");
    await expect(bomb.list(".")).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
    const into = join(folder.path, "checkout");
    mkdirSync(into);
    await expect(bomb.checkout(into, signal)).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
  });

  it("with one large file a thousand times is checked out only where there is room", async () => {
    using folder = temporaryFolder();
    const user = await TestRepository.create(join(folder.path, "user"));
    const git = (input: string | Buffer, ...args: string[]): string =>
      execFileSync("git", args, { cwd: user.path, input, encoding: "utf8" }).trim();
    const blob = git(Buffer.alloc(30_000_000), "hash-object", "-w", "--stdin");
    const times = (count: number, kind: string, oid: string): string =>
      git(Array.from({ length: count }, (_, index) => `${kind} ${oid}\t${index}\n`).join(""), "mktree");
    const tree = times(1000, "040000 tree", times(1000, "100644 blob", blob));
    const commit = (await user.git("commit-tree", tree, "-m", "bomb")).trim();
    await user.git("update-ref", "refs/heads/main", commit);
    const repositories = new Repositories({ folder: join(folder.path, "repositories") });
    await repositories.fetch("blog", pathToFileURL(user.path).href, signal);
    const into = join(folder.path, "checkout");
    mkdirSync(into);
    const checkout = repositories.tree("blog", commit, "blog@v1").checkout(into, signal);
    await expect(checkout).rejects.toMatchObject({ code: "DISK_FULL" });
  });
});
