import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { blog, event, FakeWorld, lines, live } from "../fake-world.ts";

describe("apply and validate", () => {
  test("shows the changes, applies them, follows what is deployed", async () => {
    await using world = await FakeWorld.make();
    world.write("steppe.yaml", "apps: { blog: { domain: blog.localhost, tags: v* } }");
    const changes = [
      { app: "blog", action: "change", fields: ["domains: a → b"] },
      { app: "notes", action: "none", fields: [] },
    ];
    world.routes.set("POST /v1/apply", (_: unknown, response: ServerResponse, body: string) => {
      const { dryRun } = JSON.parse(body) as { dryRun?: boolean };
      response.end(JSON.stringify({ changes, deployments: dryRun === true ? [] : [live] }));
    });
    world.routes.set("GET /v1/deployments/7/events", lines({ ...event(1, "live", "is live"), urls: ["http://b"] }));
    world.routes.set("GET /v1/deployments/7", live);
    const dry = await world.run("apply", "--dry-run");
    expect(dry).toEqual({ code: 0, stdout: "~ blog changes\n    domains: a → b\n", stderr: "" });
    expect(world.requests).toHaveLength(1);
    const { code, stdout, stderr } = await world.run("apply");
    expect([code, stdout, stderr]).toEqual([
      0,
      "~ blog changes\n    domains: a → b\nhttp://b\n",
      "    10 ms  blog  is live\n",
    ]);
    expect(world.requests[1]?.[1]).toEqual({ definitions: [blog], prune: false, dryRun: true });
    const json = await world.run("apply", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ changes, deployments: [live] });
  });

  test("says how what is new gets content", async () => {
    await using world = await FakeWorld.make();
    const added = (...names: string[]) => names.map((app) => ({ app, action: "add", fields: [] }));
    world.write(
      "steppe.yaml",
      "apps: { a: { domain: a.test }, b: { domain: b.test, repository: 'https://x.test/b' } }",
    );
    world.routes.set("POST /v1/apply", { changes: added("a", "b"), deployments: [] });
    const push = 'Push a tag to a: git push "$(steppe app show a --push-url)" v1\n';
    const goesOn =
      "b: its newest tag is looked for now and deployed, which goes on by itself; `steppe status b` tells how far it is.\n";
    const stderr = `${push}${goesOn}`;
    expect(await world.run("apply")).toEqual({ code: 0, stdout: "+ a is added\n+ b is added\n", stderr });
    world.write("steppe.yaml", "apps: { a: { domain: a.test }, c: { domain: c.test } }");
    world.routes.set("POST /v1/apply", { changes: added("a", "c"), deployments: [] });
    expect((await world.run("apply")).stderr).toMatch(/^Push a tag to a, c: git push "\$\(steppe app show a /);
    expect((await world.run("apply", "--dry-run")).stderr).toBe("");
    const names = ["d", "e", "f", "g", "h", "i", "j"];
    const apps = names.map((name) => `${name}: { domain: ${name}.test, image: registry.test/${name} }`);
    world.write("steppe.yaml", `apps: { ${apps.join(", ")} }`);
    world.routes.set("POST /v1/apply", { changes: added(...names), deployments: [] });
    expect((await world.run("apply")).stderr).toBe(
      "d, e, f, g and 3 more: their newest tag is looked for now and deployed, which goes on by itself; `steppe status` tells how far it is.\n",
    );
  });

  test("nothing to change", async () => {
    await using world = await FakeWorld.make();
    world.write("steppe.yaml", "apps: { blog: { domain: blog.localhost } }");
    world.routes.set("POST /v1/apply", { changes: [{ app: "blog", action: "none", fields: [] }], deployments: [] });
    expect((await world.run("apply")).stdout).toBe("Nothing to change: 1 app is as declared.\n");
    expect(world.requests).toHaveLength(1);
  });

  test("removals are asked for", async () => {
    await using world = await FakeWorld.make();
    world.write("steppe.yaml", "apps: {}");
    world.routes.set("POST /v1/apply", { changes: [{ app: "old", action: "remove", fields: [] }], deployments: [] });
    world.routes.set("GET /v1/apps/old/removal", { app: "old", job: "old-job", isStopped: true });
    expect(await world.run("apply", "--prune")).toMatchObject({ code: 2, stdout: "- old is removed\n" });
    expect(world.requests).toHaveLength(2);
    world.isTerminal = true;
    expect((await world.run("apply", "--prune")).stderr).toContain(
      "Remove old, with repositories and releases? Stopped on Nomad, with all instances: old-job. [y/N] ",
    );
    world.isTerminal = false;
    expect((await world.run("apply", "--prune", "--yes")).code).toBe(0);
    expect(world.requests.at(-1)?.[1]).toEqual({ definitions: [], prune: true });
    // A server of a version before tells nothing of jobs.
    world.routes.delete("GET /v1/apps/old/removal");
    world.routes.set("GET /v1/apps/old", {});
    expect((await world.run("apply", "--prune")).stderr).toContain("Remove old, with repositories and releases?");
  });

  test("validate tells every mistake, and asks no server", async () => {
    await using world = await FakeWorld.make();
    world.write("steppe.yaml", "apps:\n  blog: { domain: a.test, tagz: x, poll: y }\n");
    const { code, stderr } = await world.run("validate");
    expect(code).toBe(2);
    expect(stderr).toContain("  steppe.yaml:2:27: apps.blog.tagz is not known; did you mean `tags`?\n");
    expect(stderr).toContain("  steppe.yaml:2:42: apps.blog.poll is no duration");
    world.write("ok.yaml", "apps: { blog: { domain: blog.localhost, tags: v* } }");
    expect((await world.run("validate", "-f", "ok.yaml")).stdout).toBe("ok.yaml is right: 1 app (blog)\n");
    expect(JSON.parse((await world.run("validate", "-f", "ok.yaml", "--json")).stdout)).toEqual({
      file: "ok.yaml",
      apps: [blog],
    });
    world.stdin = "apps: {}";
    expect((await world.run("validate", "-f", "-")).code).toBe(0);
    expect((await world.run("validate", "-f", "missing.yaml")).stderr).toContain(
      "there is no such file [CONFIG_INVALID]",
    );
    expect(world.requests).toEqual([]);
  });
});
