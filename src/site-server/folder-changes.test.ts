import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { type Clock, FakeClock, systemClock } from "../shared/clock.ts";
import { FolderServer, type ServedRequest } from "./folder-server.ts";
import { FolderSite } from "./folder-site.ts";

// As where there are no inotify watches left: that a file has changed is seen when it is asked for, and not before.
vi.mock("./watch-folder.ts", () => ({ watchFolder: () => () => {} }));

/** A folder that is served, to which nobody says that it changes. */
class Served {
  readonly requests: ServedRequest[] = [];
  readonly troubles: string[] = [];
  readonly #folder = temporaryFolder("changes");
  #server: FolderServer | undefined;

  static async start(files: Readonly<Record<string, string>>, clock: Clock = systemClock): Promise<Served> {
    const served = new Served();
    for (const [path, text] of Object.entries(files)) served.write(path, text);
    served.#server = await FolderServer.start({
      folder: served.#folder.path,
      address: { host: "127.0.0.1", port: 0 },
      watch: true,
      clock,
      onRequest: (request) => void served.requests.push(request),
      onChange: () => {},
      onTrouble: (what) => void served.troubles.push(what),
    });
    return served;
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.#folder.path, path), text);
  }

  remove(path: string): void {
    rmSync(join(this.#folder.path, path));
  }

  ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#server?.port}${path}`, { headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close();
    this.#folder[Symbol.dispose]();
  }
}

const BIG = 300_000;

test("a file that has changed is answered as it is now, with what belongs to it", async () => {
  const files = { "grown.txt": "short", "same.txt": "before", "ranged.txt": "0123456789", "gone.txt": "here" };
  await using served = await Served.start({ ...files, "big.bin": "a".repeat(BIG), "404.html": "nothing here" });
  const before = await served.ask("/same.txt", { Range: "bytes=0-" });
  served.write("grown.txt", "longer than before");
  const grown = await served.ask("/grown.txt");
  expect(await grown.text()).toBe("longer than before");
  expect(grown.headers.get("content-length")).toBe("18");
  served.write("same.txt", "after.");
  served.write("big.bin", "b".repeat(BIG + 1));
  const [same, big] = await Promise.all([
    served.ask("/same.txt", { "If-None-Match": "of another", Range: "bytes=0-" }),
    served.ask("/big.bin"),
  ]);
  expect(await same.text()).toBe("after.");
  expect(same.headers.get("etag")).not.toBe(before.headers.get("etag"));
  expect(await big.text()).toBe("b".repeat(BIG + 1));
  served.write("ranged.txt", "01");
  expect((await served.ask("/ranged.txt", { Range: "bytes=5-7" })).status).toBe(416);
  served.remove("gone.txt");
  const gone = await served.ask("/gone.txt");
  expect([gone.status, await gone.text()]).toEqual([404, "nothing here"]);
  expect(served.troubles).toEqual([]);
  expect(served.requests.find(({ target }) => target === "/grown.txt")).toMatchObject({ status: 200, bytes: 18 });
  expect(served.requests.at(-1)).toMatchObject({ target: "/gone.txt", status: 404, bytes: 12 });
});

test("requests that wait for it on one connection are answered in turn, and it serves on", async () => {
  await using served = await Served.start({ "a.txt": "a", "b.txt": "b" });
  served.write("a.txt", "new a");
  served.write("b.txt", "new b");
  const answers = await Promise.all(["/a.txt", "/b.txt", "/a.txt"].map((path) => served.ask(path)));
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(["new a", "new b", "new a"]);
});

test("where a look takes too long, the client is asked to come again", async () => {
  const clock = new FakeClock(Date.now());
  await using served = await Served.start({ "a.txt": "a", "b.txt": "b" }, clock);
  const looking = Promise.withResolvers<FolderSite>();
  using open = vi.spyOn(FolderSite, "open").mockReturnValueOnce(looking.promise);
  served.write("a.txt", "new");
  const asked = served.ask("/a.txt");
  while (clock.sleeping === 0) await new Promise(setImmediate);
  await clock.advance(1_000);
  const answer = await asked;
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await (await served.ask("/b.txt")).text()).toBe("b");
  expect(served.troubles).toEqual(["a file could not be read"]);
  looking.reject(new Error("not this time"));
  await new Promise(setImmediate);
  await clock.advance(1_000);
  const again = await served.ask("/a.txt");
  expect(await again.text()).toBe("new");
  expect(open).toHaveBeenCalledTimes(2);
});
