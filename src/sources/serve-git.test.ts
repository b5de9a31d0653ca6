import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request as httpRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { peer } from "../../test/support/peers.ts";
import { toSteppeError } from "../shared/errors.ts";
import { answerThrough } from "./git-answer.ts";
import { bandPackets, dataPacket, FLUSH } from "./pkt-line.ts";
import { Repositories, type RepositoriesOptions } from "./repositories.ts";
import type { GitRequest } from "./serve-git.ts";
import { TestRepository } from "./test-repository.ts";

beforeEach((context) => {
  peer(context, "git");
  peer(context, "git-http-backend");
});

type OnReceived = NonNullable<GitRequest["onReceived"]>;

/** The signal of a client that went away before its answer ended. */
function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort(new Error("the client went away"));
  });
  return controller.signal;
}

/** A server of repositories, a user's repository, and an address to push to. */
async function setUp(onReceived: OnReceived, options: Partial<RepositoriesOptions> = {}) {
  const folder = temporaryFolder();
  const repositories = new Repositories({ folder: join(folder.path, "repositories"), ...options });
  const failures: string[] = [];
  const served: Array<Promise<void>> = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [, app = "", path = ""] = /^\/git\/([^/]+)\.git(\/.*)$/.exec(url.pathname) ?? [];
    const work = repositories
      .serve({
        app,
        method: request.method ?? "",
        path,
        query: url.search.slice(1),
        headers: request.headers,
        body: request,
        answer: answerThrough(response),
        signal: goneSignal(response),
        onReceived,
      })
      .catch((thrown: unknown) => {
        const error = toSteppeError(thrown, "serve", app);
        failures.push(error.code);
        if (!response.headersSent)
          response.writeHead(error.toJSON().code === "NOT_FOUND" ? 404 : 400).end(error.message);
      });
    served.push(work);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const user = await TestRepository.create(join(folder.path, "user"));
  user.write("index.html", "<h1>one</h1>");
  await user.commit();
  await user.git("remote", "add", "steppe", `${origin}/git/blog.git`);
  return {
    folder: folder.path,
    repositories,
    failures,
    served,
    origin,
    user,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await Promise.all(served);
      folder[Symbol.dispose]();
    },
  };
}

describe("git push", () => {
  it("brings tags, shows progress as it comes, and ends when the deployment has", async () => {
    const calls: string[][] = [];
    await using setup = await setUp(async (say) => {
      const refs = await setup.repositories.refs("blog");
      calls.push(refs.map((ref) => ref.name));
      say("built in 3 ms");
      await new Promise(setImmediate);
      say("\u001b[31mred\u001b[0m\u0007 é " + "x".repeat(100));
    });
    await setup.user.git("tag", "v1");
    await setup.user.git("tag", "-a", "v2", "-m", "two");
    const output = await setup.user.git("push", "steppe", "v1", "v2");
    expect(output).toMatch(/remote: built in 3 ms\s*\n/);
    expect(output).toMatch(new RegExp(`remote: red  é x{100}\\s*\\n`));
    expect(output).toContain("[new tag]");
    expect(calls).toEqual([["refs/tags/v1", "refs/tags/v2"]]);
    const [v1, v2] = await setup.repositories.refs("blog");
    expect(v1?.commit).toBe(v1?.oid);
    expect(v2?.commit).toBe(v1?.oid);
    expect(v2?.oid).not.toBe(v1?.oid);
    expect((v2?.createdAt ?? 0) - (v1?.createdAt ?? 0)).toBeGreaterThan(0);
  });

  it("takes large files, in chunks, and gives them back", async () => {
    let received = 0;
    await using setup = await setUp(async () => void received++);
    const content = randomBytes(5 * 1024 * 1024);
    setup.user.write("large.bin", content);
    await setup.user.commit();
    await setup.user.git("tag", "v1");
    await setup.user.git("push", "steppe", "main", "v1");
    expect(received).toBe(1); // and not once more for the probe before a chunked push
    const clone = join(setup.folder, "clone");
    for (const version of ["0", "2"]) {
      await setup.user.git(
        "-c",
        `protocol.version=${version}`,
        "clone",
        "--quiet",
        `${setup.origin}/git/blog.git`,
        `${clone}${version}`,
      );
      expect(execFileSync("cat", [join(`${clone}${version}`, "large.bin")], { maxBuffer: 1e8 }).equals(content)).toBe(
        true,
      );
    }
  });

  it("tells of moved and deleted tags", async () => {
    await using setup = await setUp(async () => {});
    await setup.user.git("tag", "v1");
    await setup.user.git("tag", "gone");
    await setup.user.git("push", "steppe", "v1", "gone");
    const before = await setup.repositories.refs("blog");
    const seen = new Map(before.map((ref) => [ref.name, ref.oid]));
    await setup.user.commit("second");
    await setup.user.git("tag", "-f", "v1");
    await setup.user.git("push", "--force", "steppe", "v1", ":gone");
    const changes = await setup.repositories.changes("blog", seen);
    expect(changes.deleted).toEqual(["refs/tags/gone"]);
    expect(changes.moved.map(({ name, from }) => [name, from])).toEqual([["refs/tags/v1", before[0]?.commit]]);
  });

  it("is finished when the client has left meanwhile", async () => {
    const entered = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<boolean>();
    await using setup = await setUp(async (say, signal) => {
      entered.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      say("nobody hears this");
      gone.resolve(signal.aborted);
      await mayEnd.promise;
    });
    await setup.user.git("tag", "v1");
    const push = spawn("git", ["push", "steppe", "v1"], { cwd: setup.user.path, stdio: "ignore", detached: true });
    await entered.promise;
    process.kill(-(push.pid ?? 0), "SIGKILL");
    expect(await gone.promise).toBe(true);
    mayEnd.resolve();
    await Promise.all(setup.served);
    expect(setup.failures).toEqual([]);
    expect(await setup.repositories.refs("blog")).toHaveLength(1);
  });

  it("that breaks off leaves nothing behind", async () => {
    await using setup = await setUp(async () => {});
    await setup.repositories.create("blog");
    const request = httpRequest(`${setup.origin}/git/blog.git/git-receive-pack`, {
      method: "POST",
      headers: { "content-type": "application/x-git-receive-pack-request" },
    });
    request.on("error", () => {});
    const command = `${"0".repeat(40)} ${"a".repeat(40)} refs/tags/v1\0 report-status side-band-64k`;
    const head = Buffer.concat([Buffer.from("PACK"), Buffer.of(0, 0, 0, 2, 0, 0, 0, 200)]);
    request.write(Buffer.concat([dataPacket(Buffer.from(command)), FLUSH, head, randomBytes(100)]));
    while (setup.served.length === 0) await new Promise(setImmediate);
    request.destroy();
    await Promise.all(setup.served);
    expect(setup.failures).toEqual(["GIT_FAILED"]);
    expect(readdirSync(join(setup.repositories.path("blog"), "objects")).sort()).toEqual(["info", "pack"]);
    expect(await setup.repositories.refs("blog")).toEqual([]);
  });

  it("that stands still is given up", async () => {
    await using setup = await setUp(async () => {}, { limits: { idleMs: 100 } });
    await setup.repositories.create("blog");
    const request = httpRequest(`${setup.origin}/git/blog.git/git-receive-pack`, {
      method: "POST",
      headers: { "content-type": "application/x-git-receive-pack-request" },
    });
    request.on("error", () => {});
    request.write("00");
    while (setup.served.length === 0) await new Promise(setImmediate);
    await Promise.all(setup.served);
    expect(setup.failures).toEqual(["GIT_FAILED"]);
    request.destroy();
  });

  it("that fails in what it led to is told so, and is received", async () => {
    await using setup = await setUp(async (say) => {
      say("it broke");
      throw new Error("broken");
    });
    await setup.user.git("tag", "v1");
    expect(await setup.user.git("push", "steppe", "v1")).toContain("remote: it broke");
    await Promise.all(setup.served);
    expect(setup.failures).toEqual(["INTERNAL"]);
  });

  it("that is too large is refused", async () => {
    await using setup = await setUp(async () => {}, { limits: { maxBytes: 200_000 } });
    setup.user.write("large.bin", randomBytes(600_000));
    await setup.user.commit();
    await setup.user.git("tag", "v1");
    await expect(setup.user.git("push", "steppe", "v1")).rejects.toThrow();
    expect(await setup.repositories.refs("blog")).toEqual([]);
  });
});

describe("the addresses", () => {
  it.each([
    ["GET", "/git/blog.git/HEAD", "NOT_FOUND"],
    ["GET", "/git/blog.git/objects/info/packs", "NOT_FOUND"],
    ["GET", "/git/blog.git/info/refs", "NOT_FOUND"],
    ["GET", "/git/blog.git/info/refs?service=git-upload-archive", "NOT_FOUND"],
    ["GET", "/git/blog.git/info/refs?service=git-upload-pack&x=1", "NOT_FOUND"],
    ["GET", "/git/blog.git/config", "NOT_FOUND"],
    ["GET", "/git/blog.git/git-upload-pack", "METHOD_NOT_ALLOWED"],
    ["POST", "/git/blog.git/info/refs?service=git-upload-pack", "METHOD_NOT_ALLOWED"],
    ["GET", "/git/Blog.git/info/refs?service=git-upload-pack", "APP_NOT_FOUND"],
    ["GET", "/git/..%2f..git/info/refs?service=git-upload-pack", "APP_NOT_FOUND"],
  ])("%s %s: %s", async (method, path, code) => {
    await using setup = await setUp(async () => {});
    await fetch(setup.origin + path, { method });
    expect(setup.failures).toEqual([code]);
  });

  it("take bodies that are compressed, and no others", async () => {
    await using setup = await setUp(async () => {});
    await setup.user.git("push", "steppe", "main");
    const post = (body: Uint8Array<ArrayBuffer>, encoding: string): Promise<Response> =>
      fetch(`${setup.origin}/git/blog.git/git-upload-pack`, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/x-git-upload-pack-request",
          "content-encoding": encoding,
          "git-protocol": "version=2",
        },
      });
    const ask = Buffer.concat([dataPacket(Buffer.from("command=ls-refs\n")), Buffer.from("0001"), FLUSH]);
    const answer = await post(new Uint8Array(gzipSync(ask)), "gzip");
    expect(await answer.text()).toContain("refs/heads/main");
    expect((await post(new Uint8Array(ask), "br")).status).toBe(400);
    await post(new Uint8Array(ask), "gzip")
      .then((response) => response.text())
      .catch(() => "");
    await Promise.all(setup.served); // an answer that is broken off is, before its failure is known
    expect(setup.failures).toHaveLength(2);
  });
});

describe("a client without bands", () => {
  it("waits for the end, and is told nothing", async () => {
    await using setup = await setUp(async (say) => say("not heard"));
    await setup.user.git("push", "steppe", "main");
    const [main] = await setup.repositories.refs("blog");
    const command = `${main?.oid} ${"0".repeat(40)} refs/heads/main\0 report-status`;
    const response = await fetch(`${setup.origin}/git/blog.git/git-receive-pack`, {
      method: "POST",
      body: new Uint8Array(Buffer.concat([dataPacket(Buffer.from(command)), FLUSH])),
      headers: { "content-type": "application/x-git-receive-pack-request" },
    });
    const expected = ["unpack ok\n", "ok refs/heads/main\n"].map((line) => dataPacket(Buffer.from(line)));
    expect(await response.text()).toBe(Buffer.concat([...expected, FLUSH]).toString());
    expect(bandPackets(2, Buffer.from("x")).length).toBe(6);
  });
});

describe("repositories", () => {
  it("are made whole or not at all, and are what git takes for one", async () => {
    await using setup = await setUp(async () => {});
    await Promise.all([setup.repositories.create("one"), setup.repositories.create("one")]);
    const path = setup.repositories.path("one");
    expect(execFileSync("git", ["-C", path, "fsck"], { encoding: "utf8" })).toBe("");
    expect(execFileSync("git", ["-C", path, "config", "gc.auto"], { encoding: "utf8" }).trim()).toBe("0");
    expect(readdirSync(join(setup.folder, "repositories"))).toEqual(["one.git"]);
  });

  it("are cleared at start of what a killed push left", async () => {
    await using setup = await setUp(async () => {});
    await setup.user.git("push", "steppe", "main");
    const path = setup.repositories.path("blog");
    mkdirSync(join(path, "objects", "tmp_objdir-incoming-abc", "pack"), { recursive: true });
    for (const name of ["packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x", "config"]) {
      writeFileSync(join(path, name), "");
    }
    mkdirSync(join(setup.folder, "repositories", ".new-abc"));
    await new Repositories({ folder: join(setup.folder, "repositories") }).reconcile();
    await setup.user.commit("second");
    expect(await setup.user.git("push", "steppe", "main")).toContain("main -> main");
    expect(readdirSync(join(path, "objects")).filter((name) => name.startsWith("tmp"))).toEqual([]);
    expect(readdirSync(join(setup.folder, "repositories"))).toEqual(["blog.git"]);
  });

  it("are rid at start of the processes that a killed control process left", async () => {
    await using setup = await setUp(async () => {});
    await setup.repositories.create("blog");
    const env = { PATH: process.env["PATH"], GIT_PROJECT_ROOT: join(setup.folder, "repositories") };
    const left = spawn("sleep", ["1000"], { env, stdio: "ignore" });
    const other = spawn("sleep", ["1000"], {
      env: { ...env, GIT_PROJECT_ROOT: `${env.GIT_PROJECT_ROOT}-other` },
      stdio: "ignore",
    });
    await Promise.all([once(left, "spawn"), once(other, "spawn")]);
    const ended = once(left, "exit");
    await setup.repositories.reconcile();
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(other.exitCode).toBeNull();
    const otherEnded = once(other, "exit");
    other.kill();
    await otherEnded;
  });

  it("are packed anew once there are many packs", async () => {
    await using setup = await setUp(async () => {});
    await setup.user.git("push", "steppe", "main");
    expect(await setup.repositories.maintain("blog", AbortSignal.timeout(60_000))).toBe(false);
    const pack = join(setup.repositories.path("blog"), "objects", "pack");
    for (let index = 0; index < 20; index++) {
      await setup.user.commit(`change ${index}`);
      await setup.user.git("push", setup.repositories.path("blog"), "main");
    }
    expect(await setup.repositories.maintain("blog", AbortSignal.timeout(60_000))).toBe(true);
    expect(readdirSync(pack).filter((name) => name.endsWith(".pack"))).toHaveLength(1);
  });

  it("want git", async () => {
    using folder = temporaryFolder();
    const repositories = new Repositories({ folder: folder.path, program: "git-that-is-not-there" });
    await expect(repositories.create("blog")).rejects.toMatchObject({ code: "GIT_MISSING" });
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
