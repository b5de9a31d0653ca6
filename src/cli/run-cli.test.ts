import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "./command-table.ts";
import { answerError, blog, event, failed, FakeWorld, lines, live, view } from "./fake-world.ts";

describe("help and mistakes", () => {
  test("every command has help with its examples and --json", async () => {
    await using world = await FakeWorld.make();
    for (const { name, examples } of commands) {
      const { code, stdout, stderr } = await world.run(...name.split(" "), "--help");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`Usage: steppe ${name}`);
      expect(stdout).toContain("--json");
      for (const example of examples) expect(stdout).toContain(example);
      expect((await world.run("help", ...name.split(" "))).stdout).toBe(stdout);
    }
  });

  test("the general help lists every command and the exit codes", async () => {
    await using world = await FakeWorld.make();
    const { stdout } = await world.run("help");
    for (const { name, summary } of commands) expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, "m"));
    for (const args of [[], ["--help"], ["-h"]]) expect((await world.run(...args)).stdout).toBe(stdout);
    expect((await world.run("app")).stdout).toContain("app purge");
    expect((await world.run("app", "--help")).stdout).not.toContain("deploy a tag");
  });

  test("--version", async () => {
    await using world = await FakeWorld.make();
    expect((await world.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [["stauts"], "there is no such command", "Did you mean `steppe status`?"],
    [["app", "lst"], "there is no such command", "Did you mean `steppe app list`?"],
    [["zzzzzzzz"], "there is no such command", "`steppe help` lists the commands."],
    [["--data", "x", "status"], "the command comes first", "`steppe help` lists the commands."],
    [["deploy", "blog", "--tga", "v1"], "unknown option '--tga'", "Did you mean `--tag`? See `steppe deploy --help`."],
    [["deploy"], "missing required argument 'app'", "See `steppe deploy --help`."],
    [["app", "list", "x"], "too many arguments. Expected 0 arguments but got 1: x", expect.anything()],
    [["deploy", "blog"], "nothing says what is to be deployed", "Give --tag TAG, --branch BRANCH or --dir FOLDER."],
    [["deploy", "blog", "--tag", "a", "--dir", "b"], "only one thing can be deployed at a time", expect.anything()],
    [["rollback", "blog", "v1"], 'the release "v1" is no whole number', "See `steppe rollback --help`."],
    [["logs", "blog", "--deployment", "1"], "--deployment wants --build", expect.anything()],
    [["up", "--htp", "x"], 'unknown option "--htp"', "Did you mean --http? See `steppe up --help`."],
    [["up"], "it was not started by its launcher", expect.anything()],
    [["install", "--host", "a:1"], "has a port; leave out `:1`", expect.anything()],
    [["login", "steppe.test"], '"steppe.test" is no URL', expect.anything()],
    [["login", "https://steppe.test/v1"], expect.stringContaining("has a path"), expect.anything()],
  ])("%j exits with 2 and says what was meant", async (args, cause, hint) => {
    await using world = await FakeWorld.make();
    const { code, stdout, stderr } = await world.run(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: /);
    const json = await world.run(...args, "--json");
    expect(JSON.parse(json.stderr)).toMatchObject({ cause, hint });
    expect(world.requests).toEqual([]);
  });

  test("an app that is not there: the nearest is named", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blgo", (_: unknown, response: never) =>
      answerError(response, "APP_NOT_FOUND", "there is no such app", "app blgo"),
    );
    world.routes.set("GET /v1/apps", [view]);
    const { code, stderr } = await world.run("app", "show", "blgo");
    expect(code).toBe(3);
    expect(stderr).toBe(
      "error: find app blgo: there is no such app [APP_NOT_FOUND]\nhint: Did you mean `blog`? `steppe app list` shows the apps.\n",
    );
  });

  test("colours on a terminal, and none with NO_COLOR; what a server says cannot move the cursor", async () => {
    await using world = await FakeWorld.make();
    world.isTerminal = true;
    world.routes.set("GET /v1/apps", (_: unknown, response: never) => answerError(response, "INTERNAL", "a\u001b[2Jb"));
    expect((await world.run("app", "list")).stderr).toMatch(/^\u001b\[31merror:\u001b\[39m find blog: a\ufffd\[2Jb /);
    world.env["NO_COLOR"] = "1";
    expect((await world.run("app", "list")).stderr).toMatch(/^error: find blog: a\ufffd\[2Jb /);
  });
});

describe("which server", () => {
  test("the one that runs on ./.steppe, --data, STEPPE_DATA", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps", []);
    expect((await world.run("app", "list", "--json")).stdout).toBe("[]\n");
    expect((await world.run("app", "list", "--data", ".steppe")).code).toBe(0);
    expect((await world.run("app", "list", "--data", "elsewhere")).stderr).toMatch(
      /nothing runs on the folder that --data names \[API_UNREACHABLE\]\nhint: Start it with `steppe up --data /,
    );
    world.env["STEPPE_DATA"] = join(world.folder, "work/.steppe");
    expect((await world.run("app", "list")).code).toBe(0);
  });

  test("STEPPE_URL with STEPPE_TOKEN; without, the data folder's token, but only for this machine", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps", []);
    world.env["STEPPE_URL"] = world.url;
    expect((await world.run("app", "list")).code).toBe(0);
    world.env["STEPPE_TOKEN"] = "wrong";
    expect((await world.run("app", "list")).code).toBe(4);
    delete world.env["STEPPE_TOKEN"];
    world.env["STEPPE_URL"] = "https://steppe.example.com";
    const { code, stderr } = await world.run("app", "list");
    expect(code).toBe(4);
    expect(stderr).toMatch(/STEPPE_URL is set and STEPPE_TOKEN is not \[TOKEN_MISSING\]/);
  });

  test("login checks the token, stores it for its owner alone, and is used when nothing else is there", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/status", { version: "1.2.3" });
    world.routes.set("GET /v1/apps", []);
    world.stdin = "wrong\n";
    expect((await world.run("login", world.url)).code).toBe(4);
    const file = join(world.folder, "home/.config/steppe/credentials.json");
    expect(existsSync(file)).toBe(false);
    world.stdin = "the-token\n";
    expect((await world.run("login", `${world.url}/`)).stdout).toContain(`${world.url} (Steppe 1.2.3)`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain("the-token");
    world.overrides = { cwd: world.folder };
    expect((await world.run("app", "list")).code).toBe(0);
  });

  test("login asks on a terminal", async () => {
    await using world = await FakeWorld.make();
    world.isTerminal = true;
    world.routes.set("GET /v1/status", { version: "1.2.3" });
    world.answers = ["the-token"];
    const { code, stderr } = await world.run("login", world.url);
    expect(code).toBe(0);
    expect(stderr).toContain(`Token for ${world.url} (it is not shown): `);
    expect((await world.run("login", world.url)).stderr).toContain("no token was given");
  });

  test("none: all the ways are named", async () => {
    await using world = await FakeWorld.make();
    world.overrides = { cwd: world.folder };
    const { code, stderr } = await world.run("status");
    expect(code).toBe(5);
    expect(stderr).toMatch(/`steppe up`.*--data, STEPPE_DATA.*STEPPE_URL and STEPPE_TOKEN.*`steppe login URL`/);
  });
});

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
    world.routes.set("GET /v1/apps/blog", view);
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
});

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
    const { stderr } = await world.run("rollback", "blog", "1");
    expect(stderr).toBe(`${`    10 ms  ${"x".repeat(200)}`.slice(0, 79)}\r\u001b[2K    20 ms  live\n`);
    expect(world.requests[0]).toEqual(["POST /v1/apps/blog/rollback", { release: 1 }]);
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
    world.routes.set("GET /v1/deployments/7/events", (_: unknown, response: import("node:http").ServerResponse) => {
      calls++;
      response.write(lines(event(1, "queued", "first")));
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
    world.routes.set("GET /v1/deployments/7/events", (_: unknown, response: import("node:http").ServerResponse) => {
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
    expect((await world.run("deploy", "blog", "--dir", "public")).code).toBe(0);
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
    expect((await world.run("releases", "blog")).stdout).toMatch(/has no releases yet/);
  });
});

describe("apply and validate", () => {
  test("shows the changes, applies them, follows what is deployed", async () => {
    await using world = await FakeWorld.make();
    world.write("steppe.yaml", "apps: { blog: { domain: blog.localhost, tags: v* } }");
    const changes = [
      { app: "blog", action: "change", fields: ["domains: a → b"] },
      { app: "notes", action: "none", fields: [] },
    ];
    world.routes.set("POST /v1/apply", (_: unknown, response: import("node:http").ServerResponse, body: string) => {
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
    expect(await world.run("apply", "--prune")).toMatchObject({ code: 2, stdout: "- old is removed\n" });
    expect(world.requests).toHaveLength(1);
    expect((await world.run("apply", "--prune", "--yes")).code).toBe(0);
    expect(world.requests.at(-1)?.[1]).toEqual({ definitions: [], prune: true });
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

describe("the rest", () => {
  test("logs, as they are or as NDJSON; Ctrl-C ends --follow well", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/logs", "GET / 200\nGET /x 404\n");
    world.routes.set("GET /v1/apps/blog/build-log", "");
    expect((await world.run("logs", "blog")).stdout).toBe("GET / 200\nGET /x 404\n");
    expect((await world.run("logs", "blog", "--json", "--lines", "5")).stdout).toBe(
      '{"line":"GET / 200"}\n{"line":"GET /x 404"}\n',
    );
    expect(await world.run("logs", "blog", "--build")).toEqual({
      code: 0,
      stdout: "",
      stderr: "blog has no build log\n",
    });
    world.routes.set("GET /v1/apps/blog/logs", (_: unknown, response: import("node:http").ServerResponse) => {
      response.write("first\n", () => world.interrupt.abort(new Error("interrupted")));
    });
    expect((await world.run("logs", "blog", "--follow")).code).toBe(0);
    expect(world.requests.map(([what]) => what)).toEqual([
      "GET /v1/apps/blog/logs?lines=100",
      "GET /v1/apps/blog/logs?lines=5",
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
    world.routes.set("GET /v1/backup", (_: unknown, response: import("node:http").ServerResponse) => {
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
