import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { AdoptionView, DoctorReport, DriftView, JobDiff, PlanView } from "../../api/types.ts";
import { answerError, blog, event, FakeWorld, lines, live, view } from "../fake-world.ts";

const NOW = Date.UTC(2026, 0, 1);
const waiting = { ...live, state: "healthy", finishedAt: null, hold: { kind: "promotion" } };

const changes: JobDiff = {
  type: "Edited",
  name: "blog",
  fields: [{ type: "Edited", name: "Priority", old: "50", new: "60", annotations: [] }],
  objects: [],
  groups: [
    {
      type: "Edited",
      name: "blog",
      fields: [{ type: "Edited", name: "Count", old: "1", new: "2", annotations: ["forces create"] }],
      objects: [
        {
          type: "Edited",
          name: "Update",
          fields: [{ type: "Edited", name: "MinHealthyTime", old: "5000000000", new: "10000000000", annotations: [] }],
          objects: [],
        },
      ],
      updates: { "create/destroy update": 1, ignore: 0 },
      tasks: [
        {
          type: "Edited",
          name: "blog",
          fields: [{ type: "Added", name: "Env[SECRET]", old: "", new: "s3cret", annotations: [] }],
          objects: [
            {
              type: "Edited",
              name: "Config",
              fields: [
                { type: "Added", name: "command", old: "", new: "serve", annotations: [] },
                { type: "Deleted", name: "args[0]", old: "-v", new: "", annotations: [] },
                { type: "Edited", name: "auth[0][password]", old: "s3cret", new: "other", annotations: [] },
              ],
              objects: [],
            },
          ],
          annotations: ["forces create/destroy update"],
        },
      ],
    },
  ],
};

const CHANGES = [
  "~ job blog",
  '  ~ Priority: "50" → "60"',
  "  ~ group blog  (1 create/destroy update)",
  '    ~ Count: "1" → "2"  (forces create)',
  "    ~ Update",
  "      ~ MinHealthyTime: 5s → 10s",
  "    ~ task blog  (forces create/destroy update)",
  "      + Env[SECRET]",
  "      ~ Config",
  '        + command: "serve"',
  '        - args[0]: "-v"',
  "        ~ auth[0][password]",
].join("\n");

describe("plan", () => {
  const plan: PlanView = {
    app: "blog",
    job: "blog",
    release: null,
    image: `sha256:${"a".repeat(64)}`,
    changes,
    updates: { blog: { Canary: 2, Ignore: 1 } },
    unplaced: { blog: "no node has a place for it: too little memory on 1 of 1 node" },
    warnings: ["1 warning: something"],
  };

  test("shows what changes, what becomes of instances, and what stands in the way", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/plan", plan);
    const { code, stdout } = await world.run("plan", "blog");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "Deploying the definition of blog as it is now, image aaaaaaaaaaaa:",
        "",
        CHANGES,
        "",
        "Instances of blog: 2 placed as canaries, 1 left as they are.",
        "✗ not all instances of blog find a place: no node has a place for it: too little memory on 1 of 1 node",
        "! 1 warning: something",
        "",
      ].join("\n"),
    );
    expect((await world.run("plan", "blog", "--exit-code")).code).toBe(1);
    const json = await world.run("plan", "blog", "--json");
    expect(JSON.parse(json.stdout)).toEqual(plan);
  });

  test("of a release, or with an image; never of both", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/plan", { ...plan, changes: null, release: 12 });
    const { code, stdout } = await world.run("plan", "blog", "--release", "12", "--exit-code");
    expect([code, stdout]).toEqual([
      0,
      "Nothing to change: the job blog is as release 12 of blog, image aaaaaaaaaaaa, would make it.\n",
    ]);
    await world.run("plan", "blog", "--image", "team/blog:v2");
    expect(world.requests.map(([request]) => request)).toEqual([
      "GET /v1/apps/blog/plan?release=12",
      "GET /v1/apps/blog/plan?image=team%2Fblog%3Av2",
    ]);
    expect((await world.run("plan", "blog", "--release", "1", "--image", "a")).code).toBe(2);
  });

  test("a server without a cluster says so", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/plan", (_: unknown, response: never) =>
      answerError(response, "CLUSTER_MISSING", "this server has no cluster"),
    );
    const { code, stderr } = await world.run("plan", "blog");
    expect(code).toBe(3);
    expect(stderr).toContain("this server has no cluster [CLUSTER_MISSING]");
    expect(stderr).toContain("steppe up --engine nomad");
  });
});

describe("promote", () => {
  test("lets the canaries take over and follows that", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/promote", { ...waiting, hold: null });
    world.routes.set("GET /v1/deployments/7", live);
    world.routes.set(
      "GET /v1/deployments/7/events",
      lines(event(1, "held", "waits"), event(2, "note", "promoted"), event(3, "live", "live")),
    );
    const { code, stdout, stderr } = await world.run("promote", "blog");
    expect([code, stdout]).toEqual([0, "blog is live\n"]);
    expect(stderr).toMatch(/waits\n.*promoted\n.*live\n$/);
    expect(world.requests[0]).toEqual(["POST /v1/apps/blog/promote", {}]);
    expect((await world.run("promote", "blog", "7", "--no-wait")).stdout).toBe(
      "deployment 7 is promoted; `steppe status blog` tells of it\n",
    );
    expect(world.requests.at(-1)).toEqual(["POST /v1/apps/blog/promote", { deployment: 7 }]);
  });

  test("--reject takes them away", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/reject-canaries", waiting);
    expect((await world.run("promote", "blog", "--reject")).stdout).toBe(
      "the canaries of deployment 7 of blog are taken away\n",
    );
    const error = { code: "DEPLOYMENT_REJECTED", cause: "its canaries were rejected", hint: "Push another." };
    const rejected = { ...waiting, hold: null, error };
    world.routes.set("GET /v1/apps/blog", { ...view, lastDeployment: rejected });
    world.routes.set("GET /v1/apps/blog/deployments", [rejected]);
    const { stdout } = await world.run("status", "blog");
    expect(stdout).toMatch(/^7 +v2 is taken away, 5 min ago: its canaries were rejected$/m);
  });

  test("a deployment that waits for it is followed no further, and the status says what to do", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/deployments", { ...waiting, hold: null });
    world.routes.set("GET /v1/deployments/7", waiting);
    world.routes.set("GET /v1/deployments/7/events", (_: unknown, response: { write(text: string): void }) => {
      response.write(lines(event(1, "held", "waits for promotion, its canaries are healthy")));
    });
    const { code, stdout } = await world.run("deploy", "blog", "--tag", "v2");
    expect([code, stdout]).toEqual([0, "deployment 7 of blog waits for promotion\n"]);
    world.routes.set("GET /v1/apps/blog", { ...view, lastDeployment: waiting });
    world.routes.set("GET /v1/apps/blog/deployments", [waiting]);
    const status = await world.run("status", "blog");
    expect(status.stdout).toMatch(/^7 +v2 waits for promotion, 5 min ago$/m);
    expect(status.stdout).toContain(
      "Its canaries are healthy: `steppe promote blog` lets them take over; with `--reject` they are taken away.",
    );
  });
});

describe("drift", () => {
  const drift: DriftView = { app: "blog", job: "blog", version: 4, changedAt: NOW, since: "registered", changes };

  test("shows what was changed, of one app or of all", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/cluster/drift", [
      drift,
      { ...drift, app: "shop", job: "web", version: null, changes: null },
    ]);
    world.routes.set("GET /v1/apps/blog/drift", drift);
    const { code, stdout } = await world.run("drift");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^blog: somebody changed the job since Steppe registered it \(now version 4, /);
    expect(stdout).toContain(`\n\n${CHANGES}\n\nPut it into the app's definition, or: steppe drift blog --overwrite\n`);
    expect(stdout).toContain("shop (job web): somebody removed the job; the next deployment makes it anew.");
    expect((await world.run("drift", "blog", "--exit-code")).code).toBe(1);
    expect(JSON.parse((await world.run("drift", "blog", "--json")).stdout)).toEqual([drift]);
  });

  test("of a job that was taken over is told as such, also when it cannot be said what", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps/blog/drift", { ...drift, since: "adopted", changes: null });
    const { stdout } = await world.run("drift", "blog");
    expect(stdout).toMatch(/^blog: somebody changed the job since Steppe took it over \(now version 4, /);
    expect(stdout).toContain("\n\nWhat it was before, Nomad does not keep any more.\n\n");
    world.routes.set("GET /v1/cluster/drift", [{ ...drift, changes: null }]);
    expect((await world.run("drift")).stdout).toContain("What was changed cannot be said: the live release would be");
  });

  test("nothing was changed", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/cluster/drift", []);
    world.routes.set("GET /v1/apps/blog/drift", (_: unknown, response: { end(text: string): void }) =>
      response.end("null"),
    );
    expect((await world.run("drift", "--exit-code")).code).toBe(0);
    expect((await world.run("drift")).stdout).toBe("Every job is as Steppe registered it, or may be overwritten.\n");
    expect((await world.run("drift", "blog")).stdout).toBe(
      "The job of blog is as Steppe registered it, or may be overwritten.\n",
    );
  });

  test("--overwrite is of one app", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/apps/blog/drift/overwrite", { ...drift, changes: null });
    const { stdout } = await world.run("drift", "blog", "--overwrite");
    expect(stdout).not.toContain("Put it into");
    expect(stdout).toContain("The next deployment of blog overwrites this.");
    expect((await world.run("drift", "--overwrite")).code).toBe(2);
  });

  test("the status marks the apps whose job was changed", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/apps", [{ ...view, drifted: true }]);
    world.routes.set("GET /v1/apps/blog", { ...view, drifted: true });
    world.routes.set("GET /v1/apps/blog/deployments", [live]);
    expect((await world.run("app", "list")).stdout).toContain(
      "blog: somebody changed its job on Nomad; `steppe drift blog` shows what",
    );
    expect((await world.run("status", "blog")).stdout).toMatch(
      /^job +somebody changed its job on Nomad; `steppe drift blog` shows what$/m,
    );
  });
});

describe("nomad adopt", () => {
  const adoption: AdoptionView = {
    app: "blog",
    job: "blog",
    definition: { ...blog, tags: ["*"] },
    image: "team/blog:v1",
    changes: null,
    notes: ["Its task server is called blog from then on."],
    taken: null,
  };

  test("prints the definition, and changes nothing", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/cluster/adopt", adoption);
    const { code, stdout, stderr } = await world.run("nomad", "adopt", "blog");
    expect([code, stdout]).toEqual([0, "apps:\n  blog:\n    domain: blog.localhost\n"]);
    expect(stderr).toBe(
      [
        "",
        "To know of it:",
        "  - Its task server is called blog from then on.",
        "",
        "Its first deployment changes nothing in the job, besides the image's reference and the meta by which Steppe knows it.",
        "",
        "Nothing was changed. To go on, one of:",
        "  steppe nomad adopt blog --write steppe.yaml",
        "    adds it to that file",
        "  steppe nomad adopt blog --apply",
        "    adds it to the server, paused",
        "",
      ].join("\n"),
    );
    expect(world.requests[0]).toEqual(["POST /v1/cluster/adopt", { job: "blog" }]);
  });

  test("--write adds it to a file, with its jobspec beside, and only then may the job be taken over", async () => {
    await using world = await FakeWorld.make();
    world.write("steppe.yaml", "apps:\n  shop:\n    domain: shop.test # ours\n");
    const definition = { ...adoption.definition, image: { repository: "team/blog", site: null }, job: '{"Job": {}}\n' };
    world.routes.set("POST /v1/cluster/adopt", { ...adoption, definition, changes, taken: "mark" });
    const { code, stdout, stderr } = await world.run(
      "nomad",
      "adopt",
      "blog",
      "--write",
      "steppe.yaml",
      "--name",
      "blog",
      "--domain",
      "a.test,b.test",
    );
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain(CHANGES);
    expect(stderr).toContain(
      "`steppe apply -f steppe.yaml`. Its first deployment takes the job over: that of the newest tag in",
    );
    const read = (name: string): string => readFileSync(join(world.folder, "work", name), "utf8");
    expect(read("steppe.yaml")).toBe(
      "apps:\n  shop:\n    domain: shop.test # ours\n  blog:\n    domain: blog.localhost\n    image: team/blog\n    job: blog.nomad.json\n",
    );
    expect(read("blog.nomad.json")).toBe('{"Job": {}}\n');
    const what = { job: "blog", app: "blog", domains: ["a.test", "b.test"] };
    expect(world.requests.map(([, body]) => body)).toEqual([what, { ...what, take: "mark" }]);
    const again = await world.run("nomad", "adopt", "blog", "--write", "steppe.yaml");
    expect([again.code, world.requests.length]).toEqual([3, 3]);
    expect(again.stderr).toContain("steppe.yaml has an app of that name [APP_EXISTS]");
  });

  test.each([
    ["team/blog:${IMAGE_TAG}", "docker.io/team/blog:TAG"],
    ["team/blog", "docker.io/team/blog:TAG"],
    ["reg.test:5000/team/blog", "docker.io/team/blog:TAG"],
    ["team/blog:latest", "docker.io/team/blog:TAG"],
    ["docker://team/blog:v1", "team/blog:v1"],
    [`team/blog@sha256:${"a".repeat(64)}`, `team/blog@sha256:${"a".repeat(64)}`],
  ])("of %s it says how to deploy %s", async (image, told) => {
    await using world = await FakeWorld.make();
    const definition = { ...adoption.definition, image: { repository: "docker.io/team/blog", site: null } };
    world.routes.set("POST /v1/cluster/adopt", { ...adoption, image, definition, taken: "add" });
    const { stderr } = await world.run("nomad", "adopt", "blog", "--apply");
    expect(stderr).toContain(`  steppe plan blog --image ${told}\n  steppe deploy blog --image ${told}\n`);
  });

  test("--apply adds it to the server, and says how to go on", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("POST /v1/cluster/adopt", { ...adoption, taken: "add" });
    const { stdout, stderr } = await world.run("nomad", "adopt", "blog", "--apply");
    expect(stdout).toBe("");
    expect(stderr).toContain("blog is added, and paused. Next:\n  steppe plan blog --image team/blog:v1\n");
    expect(world.requests[0]).toEqual(["POST /v1/cluster/adopt", { job: "blog", take: "add" }]);
    expect((await world.run("nomad", "adopt", "blog", "--apply", "--write", "f")).code).toBe(2);
    expect(JSON.parse((await world.run("nomad", "adopt", "blog", "--json")).stdout)).toMatchObject({ taken: "add" });
  });
});

describe("cluster doctor", () => {
  const report: DoctorReport = {
    checks: [
      { area: "Nomad", status: "ok", text: "Nomad 1.6.5", hint: null },
      { area: "Nomad", status: "warn", text: "node n1 has no Docker", hint: "Start it." },
      { area: "Fabio", status: "fail", text: "there is no Fabio", hint: "Start one." },
    ],
  };

  test("tells what is well and what to mend", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/cluster/doctor", report);
    const { code, stdout } = await world.run("cluster", "doctor");
    expect(code).toBe(5);
    expect(stdout).toBe(
      [
        "Nomad",
        "  ok    Nomad 1.6.5",
        "  warn  node n1 has no Docker",
        "        Start it.",
        "",
        "Fabio",
        "  FAIL  there is no Fabio",
        "        Start one.",
        "",
        "1 thing to mend, and 1 warning.",
        "",
      ].join("\n"),
    );
    world.routes.set("GET /v1/cluster/doctor", { checks: report.checks.slice(0, 1) });
    const well = await world.run("cluster", "doctor");
    expect([well.code, well.stdout]).toEqual([0, "Nomad\n  ok    Nomad 1.6.5\n\nAll is well.\n"]);
    expect(JSON.parse((await world.run("cluster", "doctor", "--json")).stdout)).toEqual({
      checks: report.checks.slice(0, 1),
    });
  });

  test("without a server that has a cluster, the environment says which is meant", async () => {
    await using world = await FakeWorld.make();
    world.routes.set("GET /v1/cluster/doctor", (_: unknown, response: never) =>
      answerError(response, "CLUSTER_MISSING", "this server has no cluster"),
    );
    const refused = await world.run("cluster", "doctor");
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining("[CLUSTER_MISSING]")]);
    Object.assign(world.env, { NOMAD_ADDR: "http://127.0.0.1:1", CONSUL_HTTP_ADDR: "127.0.0.1:1" });
    const { code, stdout, stderr } = await world.run("cluster", "doctor");
    expect(code).toBe(5);
    expect(stderr).toBe(
      "No server with a cluster (this server has no cluster): looking from this machine, as with --local.\n",
    );
    expect(stdout).toMatch(/^Nomad\n {2}FAIL {2}not reached: Nomad at 127\.0\.0\.1:1: /);
    expect((await world.run("cluster", "doctor", "--local")).stderr).toBe("");
    expect((await world.run("cluster", "doctor", "--fabio", "http://a:1")).code).toBe(2);
  });
});
