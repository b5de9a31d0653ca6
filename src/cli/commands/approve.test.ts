import { describe, expect, test } from "vitest";
import { event, FakeWorld, lines, live, view } from "../fake-world.ts";

const held = { ...live, state: "queued", finishedAt: null, hold: { kind: "approval" } };
const NOW = Date.UTC(2026, 0, 1);

describe("approve", () => {
  test("lets it go on and follows it, past what held it", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/approve", { ...held, hold: null });
    world.routes.set("GET /v1/deployments/7", live);
    world.routes.set(
      "GET /v1/deployments/7/events",
      lines(event(1, "held", "waits for approval"), event(2, "note", "approved"), event(3, "live", "live")),
    );
    const { code, stdout, stderr } = await world.run("approve", "blog", "7");
    expect([code, stdout]).toEqual([0, "blog is live\n"]);
    expect(stderr).toMatch(/waits for approval\n.*approved\n.*live\n$/);
    expect(world.requests[0]).toEqual(["POST /v1/apps/blog/approve", { deployment: 7 }]);
    const queued = await world.run("approve", "blog", "--no-wait");
    expect(queued.stdout).toBe("deployment 7 is approved; `steppe status blog` tells of it\n");
  });

  test("what a window holds yet is not waited for", async () => {
    await using world = await FakeWorld.make();
    const window = { ...held, hold: { kind: "window", opensAt: NOW + 30 * 86_400_000, zone: "UTC" } };
    world.routes.set("POST /v1/apps/blog/approve", window);
    world.routes.set("GET /v1/deployments/7", window);
    world.routes.set("GET /v1/deployments/7/events", (_: unknown, response: { write(text: string): void }) => {
      response.write(lines(event(1, "held", "waits for the next window")));
    });
    const { code, stdout } = await world.run("approve", "blog");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^deployment 7 of blog waits until 2026-01-3\d \d\d:\d\d\n$/);
    const json = await world.run("approve", "blog", "--json");
    expect([json.code, JSON.parse(json.stdout)]).toEqual([0, window]);
  });

  test("--reject ends it", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/reject", { ...live, state: "failed" });
    const { code, stdout } = await world.run("approve", "blog", "--reject");
    expect([code, stdout]).toEqual([0, "deployment 7 of blog is rejected\n"]);
  });
});

describe("pause and resume", () => {
  test("say what comes of them, and the status shows the pause", async () => {
    await using world = await FakeWorld.make();
    const paused = { ...view, paused: { since: NOW, reason: "the sale is on" }, lastDeployment: held };
    world.routes.set("POST /v1/apps/blog/pause", paused);
    expect((await world.run("pause", "blog", "--reason", "the sale is on")).stdout).toMatch(/^blog is paused: /);
    expect(world.requests[0]).toEqual(["POST /v1/apps/blog/pause", { reason: "the sale is on" }]);
    world.routes.set("GET /v1/apps/blog", paused);
    world.routes.set("GET /v1/apps/blog/deployments", [held, live]);
    const { stdout } = await world.run("status", "blog");
    expect(stdout).toMatch(/^deploys +paused since \d\d:\d\d: the sale is on; `steppe resume blog` ends that$/m);
    expect(stdout).toMatch(/^7 +v2 waits for approval, 5 min ago$/m);
    expect(stdout).toContain("`steppe approve blog` lets it go live; with `--reject` it does not.");
    world.routes.set("GET /v1/apps", [paused]);
    expect((await world.run("app", "list")).stdout).toMatch(/^blog: paused since/m);
    world.routes.set("POST /v1/apps/blog/resume", { ...paused, paused: null });
    expect((await world.run("resume", "blog")).stdout).toBe(
      "blog is not paused; deployment 7 goes on: `steppe status blog` tells of it\n",
    );
  });
});
