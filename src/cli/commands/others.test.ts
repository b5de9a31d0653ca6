import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FakeWorld, view } from "../fake-world.ts";

describe("the rest", () => {
  test("logs, as they are or as NDJSON; Ctrl-C ends --follow well", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/logs", "GET / 200\nGET /x 404\n");
    world.routes.set("GET /v1/apps/blog/build-log", "");
    expect((await world.run("logs", "blog")).stdout).toBe("GET / 200\nGET /x 404\n");
    expect((await world.run("logs", "blog", "--json", "--lines", "5")).stdout).toBe(
      '{"line":"GET / 200"}\n{"line":"GET /x 404"}\n',
    );
    const line =
      '{"time":0,"scheme":"http","host":"b","method":"GET","path":"/","status":200,"bytes":5,"ms":2,"remote":"::1"}';
    world.routes.set("GET /v1/apps/blog/logs", `${line}\n`);
    world.isTerminal = true;
    expect((await world.run("logs", "blog")).stdout).toMatch(
      /^19\S+ \S+ {2}200 {2}GET http:\/\/b\/ {2}5 B {2}2\.0 ms {2}::1\n$/,
    );
    world.isTerminal = false;
    expect((await world.run("logs", "blog")).stdout).toBe(`${line}\n`);
    expect(await world.run("logs", "blog", "--build")).toEqual({
      code: 0,
      stdout: "",
      stderr: "blog has no build log\n",
    });
    world.routes.set("GET /v1/apps/blog/logs", (_: unknown, response: ServerResponse) => {
      response.write("first\n", () => world.interrupt.abort(new Error("interrupted")));
    });
    expect((await world.run("logs", "blog", "--follow")).code).toBe(0);
    expect(world.requests.map(([what]) => what)).toEqual([
      "GET /v1/apps/blog/logs?lines=100",
      "GET /v1/apps/blog/logs?lines=5",
      "GET /v1/apps/blog/logs?lines=100",
      "GET /v1/apps/blog/logs?lines=100",
      "GET /v1/apps/blog/build-log",
      "GET /v1/apps/blog/logs?follow=1&lines=100",
    ]);
  });

  test("status shows what runs", async () => {
    await using world = await FakeWorld.make();
    const now = Date.UTC(2026, 0, 1);
    world.routes.set("GET /v1/status", {
      version: "1.2.3",
      processes: [
        { kind: "control", pid: 10, memory: 50 * 1024 * 1024, startedAt: now - 60_000 },
        { kind: "ingress", pid: 11, memory: null, startedAt: now },
      ],
      addresses: {
        http: "http://127.0.0.1:8080",
        https: "https://127.0.0.1:8443",
        api: "http://a",
        git: "http://a/git/",
        webhooks: null,
      },
      dataFolder: "/srv/steppe",
      disk: { files: 1536, repositories: 0, other: 5 },
      apps: [],
    });
    expect((await world.run("status")).stdout).toBe(`version    1.2.3
sites      http://127.0.0.1:8080  https://127.0.0.1:8443
API        http://a
git        http://a/git/
data       /srv/steppe: 1.5 KiB of files, 0 B of repositories, 5 B besides
processes  control 10, 50.0 MiB, started 1 min ago
           ingress 11, started just now

There are no apps yet. Add one: steppe app add blog --domain blog.localhost
or declare it in steppe.yaml: steppe apply
`);
  });

  test("backup: whole and private, or not at all", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/backup", "x".repeat(2048));
    const { stdout } = await world.run("backup", "b.tar", "--json");
    const file = join(world.folder, "work/b.tar");
    expect(JSON.parse(stdout)).toEqual({ file, bytes: 2048 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await world.run("backup")).stdout).toMatch(/steppe-backup-20260101-000000\.tar \(2\.0 KiB\)/);
    expect((await world.run("backup", "-")).stdout).toBe("x".repeat(2048));
    world.routes.set("GET /v1/backup", (_: unknown, response: ServerResponse) => {
      response.writeHead(200, { "content-length": "99" }).write("x");
      setImmediate(() => response.destroy());
    });
    expect((await world.run("backup", "c.tar")).code).toBe(5);
    expect(readdirSync(join(world.folder, "work")).filter((name) => name.startsWith("c.tar"))).toEqual([]);
  });

  test("restore hands over to control's program, and ends with its exit code", async () => {
    await using world = await FakeWorld.make();
    const calls: unknown[] = [];
    world.overrides = { runAttached: async (...call) => (calls.push(call.slice(0, 2)), 7) };
    expect((await world.run("restore", "b.tar", "--force", "--json")).code).toBe(7);
    const work = join(world.folder, "work");
    const args = ["--restore", join(work, "b.tar"), "--data", join(work, ".steppe"), "--force", "--json"];
    expect(calls).toEqual([[process.execPath, [expect.stringMatching(/main\.ts$/), ...args]]]);
  });

  test("gc, purge, open, ca show", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/gc", { releases: 1, images: 2, files: 3000, bytes: 5_000_000 });
    expect((await world.run("gc")).stdout).toBe("Freed 4.8 MiB: 1 release, 2 images, 3,000 files\n");
    world.routes.set("POST /v1/gc", { releases: 0, images: 0, files: 0, bytes: 140 });
    expect((await world.run("gc")).stdout).toBe("Freed 140 B\n");
    world.routes.set("POST /v1/apps/blog/purge", "");
    expect((await world.run("app", "purge", "blog", "--json")).stdout).toBe('{"purged":"blog"}\n');
    world.routes.set("GET /v1/apps/blog", view);
    expect((await world.run("open", "blog")).stdout).toBe("http://blog.localhost:8080\n");
    const opened: unknown[] = [];
    world.env["DISPLAY"] = ":0";
    world.overrides = { runDetached: async (...call) => void opened.push(call) };
    expect((await world.run("open", "blog", "--json")).stdout).toBe(
      '{"url":"http://blog.localhost:8080","opened":true}\n',
    );
    expect(opened).toEqual([["xdg-open", ["http://blog.localhost:8080"]]]);
    world.routes.set("GET /v1/ca", "-----BEGIN CERTIFICATE-----\n");
    expect((await world.run("ca", "show")).stdout).toBe("-----BEGIN CERTIFICATE-----\n");
  });

  test("ca install: as root into the trust store; else it says how", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/ca", "-----BEGIN CERTIFICATE-----\n");
    const root = join(world.folder, "root");
    const file = join(root, "usr/local/share/ca-certificates/steppe-local-ca.crt");
    expect((await world.run("ca", "install", "--root", root)).stdout).toContain("update-ca-certificates");
    expect(existsSync(file)).toBe(false);
    world.write("../root/usr/local/share/ca-certificates/.keep", "");
    const calls: unknown[] = [];
    world.overrides = {
      uid: 0,
      run: async ({ file: program, args }) => {
        calls.push([program, args[0]]);
        return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
      },
    };
    expect((await world.run("ca", "install", "--root", root)).stdout).toMatch(/^This system trusts the local CA now/);
    expect(readFileSync(file, "utf8")).toBe("-----BEGIN CERTIFICATE-----\n");
    expect(calls).toEqual([["update-ca-certificates", "--certsdir"]]);
  });
});
