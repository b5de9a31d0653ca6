import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { get, type IncomingHttpHeaders } from "node:http";
import { get as getHttps } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { FolderServer, type FolderServerOptions, type ServedRequest } from "./folder-server.ts";

/** A folder that is served, and what its server said. */
class Served {
  readonly folder: string;
  readonly requests: ServedRequest[] = [];
  readonly troubles: string[] = [];
  problems: readonly string[] = [];
  #server: FolderServer | undefined;
  #changes = 0;
  #wake: () => void = () => {};

  constructor(files: Readonly<Record<string, string>>) {
    this.folder = mkdtempSync(join(tmpdir(), "steppe-served-"));
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  async start(options: Partial<FolderServerOptions> = {}): Promise<void> {
    this.#server = await FolderServer.start({
      folder: this.folder,
      address: { host: "127.0.0.1", port: 0 },
      watch: false,
      onRequest: (request) => void this.requests.push(request),
      onChange: (_files, problems) => {
        this.problems = problems;
        this.#changes++;
        this.#wake();
      },
      onTrouble: (what) => void this.troubles.push(what),
      ...options,
    });
  }

  /** Resolves when the folder was looked at so often. */
  async looked(times: number): Promise<void> {
    while (this.#changes < times) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  ask(path: string, headers: Record<string, string> = {}, tls = false, onHead: () => void = () => {}) {
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number;
      headers: IncomingHttpHeaders;
      body: string;
    }>();
    const options = { host: "127.0.0.1", port: this.port, path, headers, agent: false };
    const request = tls ? getHttps({ ...options, rejectUnauthorized: false }) : get(options);
    request.on("error", reject);
    request.on("response", (response) => {
      onHead();
      let body = "";
      response.setEncoding("latin1");
      response.on("error", reject);
      response.on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.close();
    rmSync(this.folder, { recursive: true });
  }
}

describe("a folder that is served", () => {
  test("files, folders, rules, names that nobody sees", async () => {
    await using served = new Served({
      "index.html": "home",
      "docs/index.html": "docs",
      "ä b/über.txt": "names",
      "big.bin": "x".repeat(1_000_000),
      ".git/config": "secret",
      ".well-known/security.txt": "contact",
      "steppe.yaml": "apps: {}",
      _headers: "/*\n  X-A: b\n bad\n",
      _redirects: "/old /docs/ 302\n",
    });
    await served.start();
    expect(await served.ask("/")).toMatchObject({ status: 200, body: "home", headers: { "x-a": "b" } });
    expect(await served.ask("/docs")).toMatchObject({ status: 301, headers: { location: "/docs/" } });
    expect((await served.ask("/%C3%A4%20b/%C3%BCber.txt")).body).toBe("names");
    expect((await served.ask("/big.bin")).body).toHaveLength(1_000_000);
    expect((await served.ask("/big.bin", { Range: "bytes=5-7" })).body).toBe("xxx");
    expect((await served.ask("/.well-known/security.txt")).body).toBe("contact");
    expect(await served.ask("/old")).toMatchObject({ status: 302, headers: { location: "/docs/" } });
    for (const path of ["/.git/config", "/steppe.yaml", "/_headers", "/none"]) {
      expect((await served.ask(path)).status).toBe(404);
    }
    expect(served.problems.map((line) => line.split(":", 2).join(":"))).toEqual(["_headers:3"]);
    expect(served.requests[0]).toMatchObject({
      method: "GET",
      target: "/",
      status: 200,
      bytes: 4,
      remote: "127.0.0.1",
    });
    expect(served.requests).toHaveLength(11);
  });

  test("changes are noticed, in content, name and time", async () => {
    await using served = new Served({ "index.html": "one" });
    await served.start({ watch: true });
    const { headers } = await served.ask("/");
    served.write("index.html", "two");
    await served.looked(2);
    const changed = await served.ask("/", { "If-None-Match": headers.etag ?? "" });
    expect(changed).toMatchObject({ status: 200, body: "two" });
    served.write("new/page.html", "three");
    while ((await served.ask("/new/page.html")).status !== 200) await served.looked(1);
    rmSync(join(served.folder, "index.html"));
    while ((await served.ask("/")).status !== 404) await new Promise(setImmediate);
  });

  test("what lies beside a file under its name and `.br`, `.zst` or `.gz` is its compressed form, if it is not older", async () => {
    await using served = new Served({ "a.css": "plain", "a.css.br": "as brotli", "a.css.gz": "as gzip" });
    utimesSync(join(served.folder, "a.css.gz"), 1000, 1000);
    await served.start();
    const brotli = await served.ask("/a.css", { "Accept-Encoding": "br, gzip" });
    expect(brotli).toMatchObject({ body: "as brotli", headers: { "content-encoding": "br", vary: "Accept-Encoding" } });
    const plain = await served.ask("/a.css", { "Accept-Encoding": "gzip" });
    expect(plain.body).toBe("plain");
    expect(plain.headers.etag).not.toBe(brotli.headers.etag);
  });

  test("links are followed within the folder only", async () => {
    await using served = new Served({ "index.html": "home", "docs/page.html": "page" });
    const link = (target: string, name: string): void => symlinkSync(target, join(served.folder, name));
    link("index.html", "same.html");
    link("docs", "again");
    link("/etc", "etc");
    link("/etc/hostname", "hostname");
    link("..", "docs/up");
    link("gone", "broken");
    await served.start();
    expect((await served.ask("/same.html")).body).toBe("home");
    expect((await served.ask("/again/page.html")).body).toBe("page");
    for (const path of ["/etc/hostname", "/hostname", "/docs/up/index.html", "/broken"]) {
      expect((await served.ask(path)).status, path).toBe(404);
    }
  });

  test("a file that became shorter or went away meanwhile is an error, not garbage", async () => {
    const big = "x".repeat(40_000_000);
    await using served = new Served({ "a.txt": "long enough", "b.txt": "here", "big.bin": "x".repeat(1_000_000), big });
    await served.start();
    await expect(served.ask("/big", {}, false, () => served.write("big", "x"))).rejects.toThrow();
    served.write("a.txt", "short");
    served.write("big.bin", "x".repeat(300_000));
    rmSync(join(served.folder, "b.txt"));
    expect((await served.ask("/a.txt")).status).toBe(500);
    expect((await served.ask("/b.txt")).status).toBe(500);
    expect((await served.ask("/big.bin")).status).toBe(500);
    expect(served.troubles).toHaveLength(4);
  });

  test("a file with other content than when the folder was looked at is an error, not its begin under the old tag", async () => {
    await using served = new Served({ "grown.txt": "0123456789", "same-size.txt": "before", "mode.txt": "as it was" });
    const big = "b".repeat(300_000);
    served.write("big.txt", big);
    await served.start();
    served.write("grown.txt", "longer than before");
    served.write("same-size.txt", "after.");
    served.write("big.txt", `${big}${big}`);
    chmodSync(join(served.folder, "mode.txt"), 0o600);
    for (const path of ["/grown.txt", "/same-size.txt", "/big.txt"]) expect((await served.ask(path)).status).toBe(500);
    expect((await served.ask("/grown.txt", { Range: "bytes=0-1" })).status).toBe(500);
    expect(await served.ask("/mode.txt")).toMatchObject({ status: 200, body: "as it was" });
  });

  test("HTTPS; a folder that is not there; an address that is taken", async () => {
    await using served = new Served({ "index.html": "home" });
    const pem = readFileSync(new URL("../ingress/test-certificates/default.pem", import.meta.url));
    await served.start({ tls: { key: pem, cert: pem } });
    expect((await served.ask("/", {}, true)).body).toBe("home");
    await using other = new Served({});
    await expect(other.start({ folder: join(other.folder, "none") })).rejects.toMatchObject({ code: "USAGE" });
    await using third = new Served({});
    await expect(third.start({ address: { host: "127.0.0.1", port: served.port } })).rejects.toThrow("EADDRINUSE");
  });
});
