import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../shared/errors.ts";
import { answerError, blog, failed, FakeWorld, view } from "../fake-world.ts";

describe("apps", () => {
  test("app add sends the whole definition and says what comes next", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps", view);
    const { code, stdout } = await world.run("app", "add", "blog", "--domain", "Blog.localhost", "--tags", "v*");
    expect(code).toBe(0);
    expect(world.requests).toEqual([["POST /v1/apps", { definition: blog }]]);
    expect(stdout).toContain(`git remote add steppe ${view.pushUrl}\n  git push steppe v1\n`);
    const json = await world.run("app", "add", "blog", "--domain", "blog.localhost", "--json");
    expect(JSON.parse(json.stdout)).toEqual(view);
  });

  test("app add --no-grace and lists", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps", view);
    await world.run(
      "app",
      "add",
      "x",
      "--domain",
      "a.test,b.test",
      "--domain",
      "c.test",
      "--no-grace",
      "--build",
      "make",
    );
    expect(world.requests[0]?.[1]).toMatchObject({
      definition: { domains: ["a.test", "b.test", "c.test"], graceMs: 0, build: { command: "make", output: "public" } },
    });
  });

  test("app add of a name that is none", async () => {
    await using world = await FakeWorld.make();
    const { code, stderr } = await world.run("app", "add", "B_2", "--domain", "b.test");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: add app B_2: "B_2" is no name of an app: lower-case letters/);
  });

  test("app show: for people, --json, --push-url, --yaml", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog", view);
    expect((await world.run("app", "show", "blog")).stdout).toBe(`app              blog
live             release 2
site             http://blog.localhost:8080
                 https://blog.localhost:8443
push to          ${view.pushUrl}
last deployment  v2 live, 4 min ago

apps:
  blog:
    domain: blog.localhost
    tags: v*
`);
    expect(JSON.parse((await world.run("app", "show", "blog", "--json")).stdout)).toEqual(view);
    expect((await world.run("app", "show", "blog", "--push-url")).stdout).toBe(`${view.pushUrl}\n`);
    expect((await world.run("app", "show", "blog", "--yaml")).stdout).toMatch(/^apps:\n {2}blog:/);
  });

  test("app show of a repository that lives elsewhere, and cannot be read", async () => {
    await using world = await FakeWorld.make();
    const repository = "https://git.example.com/blog.git";
    const since = world.clock.now() - 300_000;
    const error = {
      code: "REMOTE_UNREACHABLE",
      operation: "fetch",
      subject: "blog",
      cause: "no route to host",
      hint: "x",
    };
    const elsewhere = { ...view, pushUrl: null, definition: { ...blog, repository }, tagsUnread: { since, error } };
    world.routes.set("GET /v1/apps/blog", elsewhere);
    world.routes.set("GET /v1/apps/blog/deployments", []);
    world.routes.set("GET /v1/apps", [elsewhere]);
    const unread = /not read since (\d{4}-\d\d-\d\d )?\d\d:\d\d: no route to host\n/;
    expect((await world.run("app", "show", "blog")).stdout).toMatch(unread);
    const { stdout: status } = await world.run("status", "blog");
    expect(status).toMatch(unread);
    expect(status).toContain(`The tags of ${repository} are looked at every 5m; at once: steppe deploy blog --tag TAG`);
    expect((await world.run("app", "list")).stdout).toMatch(unread);
    expect(JSON.parse((await world.run("app", "show", "blog", "--json")).stdout)).toEqual(elsewhere);
    const { code, stdout, stderr } = await world.run("app", "show", "blog", "--push-url");
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain("its repository lives elsewhere");
    expect(stderr).toContain(
      "hint: Push your tag there; `steppe deploy blog --tag TAG` fetches and deploys it at once.",
    );
  });

  test("app list: a table, or what to do", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps", []);
    expect((await world.run("app", "list")).stdout).toMatch(/^There are no apps yet\. Add one: steppe app add/);
    const fresh = {
      ...view,
      definition: { ...blog, name: "a-long-name" },
      liveRelease: null,
      urls: [],
      lastDeployment: null,
    };
    world.routes.set("GET /v1/apps", [{ ...view, lastDeployment: failed }, fresh]);
    expect((await world.run("app", "list")).stdout)
      .toBe(`APP          LIVE       SITE                        LAST DEPLOYMENT
blog         release 2  http://blog.localhost:8080  v2 failed, 4 min ago: the command exited with 1
a-long-name  -          blog.localhost              none yet
`);
  });

  test("app remove wants to be sure", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/removal", { app: "blog", job: null, isStopped: false });
    world.routes.set("DELETE /v1/apps/blog", "");
    expect(await world.run("app", "remove", "blog")).toMatchObject({ code: 2, stdout: "" });
    world.isTerminal = true;
    world.answers = ["n"];
    expect((await world.run("app", "remove", "blog")).code).toBe(2);
    expect(world.requests.some(([what]) => what.startsWith("DELETE"))).toBe(false);
    world.answers = ["y"];
    expect((await world.run("app", "remove", "blog")).stdout).toBe("blog is removed\n");
    world.isTerminal = false;
    expect((await world.run("app", "remove", "blog", "--yes", "--json")).stdout).toBe('{"removed":"blog"}\n');
  });

  test("app remove says what becomes of the job on Nomad, before and after", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("DELETE /v1/apps/blog", "");
    for (const [isStopped, before, after] of [
      [
        true,
        "Its job web on Nomad is stopped, with all its instances: nothing serves its visitors any more.",
        "blog is removed; its job web on Nomad was stopped\n",
      ],
      [
        false,
        "Its job web on Nomad goes on: Steppe did not register it as it is.",
        "blog is removed; its job web on Nomad goes on\n",
      ],
    ] as const) {
      world.routes.set("GET /v1/apps/blog/removal", { app: "blog", job: "web", isStopped });
      world.isTerminal = true;
      world.answers = ["y"];
      const { stdout, stderr } = await world.run("app", "remove", "blog");
      expect([stdout, stderr]).toEqual([
        after,
        `Remove blog, with its repository, releases and logs? ${before} [y/N] `,
      ]);
      world.isTerminal = false;
      expect((await world.run("app", "remove", "blog")).stderr).toContain(before); // nobody can be asked, and is told
      const json = await world.run("app", "remove", "blog", "--yes", "--json");
      expect(JSON.parse(json.stdout)).toEqual({ removed: "blog", job: "web", isStopped });
    }
  });

  test("app remove needs no server that tells of jobs, nor Nomad where nobody is asked", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("DELETE /v1/apps/blog", "");
    const remove = (...more: string[]) => world.run("app", "remove", "blog", "--yes", ...more);
    const refuse = (code: ErrorCode, cause: string) =>
      world.routes.set("GET /v1/apps/blog/removal", (_: unknown, response: ServerResponse) =>
        answerError(response, code, cause),
      );
    refuse("NOT_FOUND", "there is no such address");
    world.routes.set("GET /v1/apps/blog", view);
    expect(await remove()).toEqual({ code: 0, stdout: "blog is removed\n", stderr: "" });
    refuse("APP_NOT_FOUND", "there is no such app");
    expect((await remove()).code).toBe(3);
    refuse("NOMAD_UNREACHABLE", "no answer");
    const { code, stdout, stderr } = await remove();
    expect([code, stdout]).toEqual([0, "blog is removed; whether its job on Nomad was stopped is not known\n"]);
    expect(stderr).toContain("what becomes of the app's job is not known");
    expect((await remove("--json")).stdout).toBe('{"removed":"blog"}\n');
    const before = world.requests.length;
    expect((await world.run("app", "remove", "blog")).stderr).toContain("NOMAD_UNREACHABLE");
    expect(world.requests).toHaveLength(before + 1);
  });
});
