import { symlinkSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { blog, event, failed, FakeWorld, lines, live, view } from "../fake-world.ts";

describe("deployments", () => {
  const events = lines(event(1, "queued", "tag v2 received"), event(2, "log", "> build\r"), {
    ...event(3, "live", "live"),
    urls: view.urls,
  });

  test("deploy follows to the end, plainly where it is no terminal", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/deployments", { ...live, state: "queued" });
    world.routes.set("GET /v1/deployments/7/events", events);
    world.routes.set("GET /v1/deployments/7", live);
    const { code, stdout, stderr } = await world.run("deploy", "blog", "--tag", "v2");
    expect([code, stdout]).toEqual([0, "http://blog.localhost:8080\nhttps://blog.localhost:8443\n"]);
    expect(stderr).toBe("    10 ms  tag v2 received\n           | > build\n    30 ms  live\n");
    expect(world.requests[0]).toEqual(["POST /v1/apps/blog/deployments", { tag: "v2" }]);
    const json = await world.run("deploy", "blog", "--tag", "v2", "--json");
    expect([JSON.parse(json.stdout), json.stderr]).toEqual([live, ""]);
    const queued = await world.run("deploy", "blog", "--branch", "main", "--no-wait", "--json");
    expect(JSON.parse(queued.stdout)).toMatchObject({ state: "queued" });
  });

  test("on a terminal, what passes is one line that goes away", async () => {
    await using world = await FakeWorld.make();
    world.isTerminal = true;
    world.env["NO_COLOR"] = "1";
    world.routes.set("POST /v1/apps/blog/rollback", live);
    world.routes.set(
      "GET /v1/deployments/7/events",
      lines(event(1, "progress", "x".repeat(200)), event(2, "live", "live")),
    );
    world.routes.set("GET /v1/deployments/7", live);
    const { stderr } = await world.run("rollback", "blog", "1", "--no-grace");
    expect(stderr).toBe(`${`    10 ms  ${"x".repeat(200)}`.slice(0, 79)}\r\u001b[2K    20 ms  live\n`);
    expect(world.requests[0]).toEqual(["POST /v1/apps/blog/rollback", { release: 1, noGrace: true }]);
  });

  test("one that fails ends with its own error and exit code", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/deployments", { ...failed, state: "queued" });
    world.routes.set("GET /v1/deployments/8/events", lines(event(1, "failed", "it failed")));
    world.routes.set("GET /v1/deployments/8", failed);
    const { code, stderr } = await world.run("deploy", "blog", "--tag", "v3");
    expect(code).toBe(6);
    expect(stderr).toBe(
      "    10 ms  it failed\nerror: build blog@v3: the command exited with 1 [BUILD_FAILED]\n  line one\n  line two\nhint: See the log.\n",
    );
    const json = await world.run("deploy", "blog", "--tag", "v3", "--json");
    expect(json.code).toBe(6);
    expect(JSON.parse(json.stdout)).toEqual(failed);
    expect(JSON.parse(json.stderr)).toEqual(failed.error);
  });

  test("the server goes away and comes back: followed on, nothing told twice", async () => {
    await using world = await FakeWorld.make();
    let calls = 0;
    world.routes.set("POST /v1/apps/blog/deployments", { ...live, state: "queued" });
    world.routes.set("GET /v1/deployments/7", live);
    world.routes.set("GET /v1/deployments/7/events", (_: unknown, response: ServerResponse) => {
      calls++;
      response.write(lines(event(1, "queued", "first")));
      if (calls === 1) {
        // A server that stops in good order.
        response.end();
        world.routes.set("GET /v1/deployments/7", { ...live, state: "building" });
        return;
      }
      world.routes.set("GET /v1/deployments/7", live);
      if (calls > 2) response.end(lines(event(2, "live", "second")));
      else setImmediate(() => response.destroy());
    });
    const running = world.run("deploy", "blog", "--tag", "v2");
    for (let woken = 0; woken < 2; woken++) {
      await expect.poll(() => world.clock.sleeping).toBe(1);
      await world.clock.advance(10_000);
    }
    const { code, stderr } = await running;
    expect(code).toBe(0);
    expect(stderr.match(/first/g)).toHaveLength(1);
    expect(stderr).toContain("the server is away");
    expect(stderr).toMatch(/second\n$/);
  });

  test("Ctrl-C ends the following, not the deployment, with 130", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/deployments", { ...live, state: "queued" });
    world.routes.set("GET /v1/deployments/7/events", (_: unknown, response: ServerResponse) => {
      response.write(lines(event(1, "queued", "first")), () => world.interrupt.abort(new Error("interrupted")));
    });
    const { code, stderr } = await world.run("deploy", "blog", "--tag", "v2");
    expect(code).toBe(130);
    expect(stderr).toMatch(/deployment 7 goes on; `steppe status blog` tells of it\n$/);
  });

  test("deploy --dir sends the folder", async () => {
    await using world = await FakeWorld.make();
    world.write("public/index.html", "hello");
    symlinkSync("index.html", join(world.folder, "work/public/home.html"));
    world.routes.set("POST /v1/apps/blog/uploads", live);
    world.routes.set("GET /v1/deployments/7/events", events);
    world.routes.set("GET /v1/deployments/7", live);
    expect((await world.run("deploy", "blog", "--dir", "public", "--no-grace")).code).toBe(0);
    expect(world.requests[0]?.[0]).toBe("POST /v1/apps/blog/uploads?noGrace=1");
    expect(world.requests[0]?.[1]).toContain("hello");
    expect((await world.run("deploy", "blog", "--dir", "nowhere")).code).toBe(6);
  });

  test("status of an app explains its last failure", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog", view);
    world.routes.set("GET /v1/apps/blog/deployments", [failed, live]);
    const { stdout } = await world.run("status", "blog");
    expect(stdout).toContain(
      "8           v2 failed, 4 min ago: the command exited with 1\n7           v2 live, 4 min ago",
    );
    expect(stdout).toContain("why: the command exited with 1\nhint: See the log.\n  line one\n  line two\n");
    expect(world.requests.map(([what]) => what)).toContain("GET /v1/apps/blog/deployments?limit=10");
  });

  test("releases", async () => {
    await using world = await FakeWorld.make();
    const release = {
      app: "blog",
      number: 2,
      image: live.image,
      definition: blog,
      ref: "refs/tags/v2",
      commit: "c".repeat(40),
    };
    const rows = [{ ...release, deployment: 7, createdAt: Date.UTC(2026, 0, 1) - 7_200_000, live: true }];
    world.routes.set("GET /v1/apps/blog/releases", rows);
    expect((await world.run("releases", "blog")).stdout).toBe(`RELEASE        OF  COMMIT        IMAGE         MADE
2        live  v2  cccccccccccc  aaaaaaaaaaaa  2 h ago
`);
    world.routes.set("GET /v1/apps/blog/releases", []);
    world.routes.set("GET /v1/apps/blog", view);
    expect((await world.run("releases", "blog")).stdout).toMatch(/has no releases yet/);
  });
});
