import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { until } from "../../../test/support/until.ts";
import { SteppeError } from "../../shared/errors.ts";
import { type BuilderFixture, openBuilder, readImage } from "./dockerfile-fixture.ts";

const lines = (...all: string[]): string => `${all.join("\n")}\n`;

/** The processes whose command line holds a word. */
function processesWith(word: string): string[] {
  return readdirSync("/proc").filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    try {
      return readFileSync(`/proc/${id}/cmdline`, "latin1").includes(word);
    } catch {
      return false; // it has ended
    }
  });
}

describe.each(["classic", "buildkit", "buildah"] as const)("a Dockerfile, by %s", (tool) => {
  it("becomes an image: stages, arguments, ignored files, a target, labels", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool);
    fixture.write({
      "docker/Dockerfile": lines(
        "FROM base:1 AS build",
        "ARG STEPPE_TAG",
        "ARG COLOUR=red",
        "WORKDIR /src",
        "COPY . ./",
        'RUN echo "$STEPPE_TAG $COLOUR ${STEPPE_APP:-no app}" > out.txt; ls > files.txt; env > env.txt',
        "FROM scratch AS early",
        "COPY --from=build /src/out.txt /early.txt",
        "FROM scratch",
        "COPY --from=build /src/out.txt /src/files.txt /src/env.txt /www/",
      ),
      "docker/Dockerfile.dockerignore": "secret.txt\ndocker\n",
      ".dockerignore": "page.md\n",
      "page.md": "hello",
      "secret.txt": "secret",
    });
    fixture.environment["HTTP_PROXY"] = "http://user:password@proxy.test:3128";
    fixture.environment["STEPPE_TOKEN"] = "the-secret-token";
    const change = { file: "docker/Dockerfile", args: { COLOUR: "blue green" } };
    {
      await using image = await fixture.build(change, { tag: "v7" });
      const { files, labels, config } = await readImage(image);
      expect(files["/www/out.txt"]).toBe("v7 blue green no app\n");
      expect(files["/www/files.txt"]?.split("\n")).toEqual(expect.arrayContaining(["page.md"]));
      expect(files["/www/files.txt"]).not.toContain("secret.txt");
      expect(files["/www/env.txt"]).not.toMatch(/proxy|the-secret-token/i);
      expect(labels["steppe.app"]).toBe("blog");
      expect(config + fixture.log()).not.toMatch(/password|the-secret-token/);
    }
    const text = fixture.log();
    expect(text).toMatch(/^with \S.*\n\$ (?:docker build|unshare|buildah) /);
    expect(text).not.toContain(fixture.folders.builds);
    expect(text.split("\n").slice(0, -1)).toEqual(fixture.lines);
    expect(readdirSync(fixture.folders.builds)).toEqual([]);
    await using early = await fixture.build({ ...change, target: "early" });
    expect(Object.keys((await readImage(early)).files)).toEqual(["/early.txt"]);
  });

  it("that fails says which step, and its last lines; and leaves nothing", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool);
    const failing = (dockerfile: string, change = {}) => {
      fixture.write({ Dockerfile: dockerfile });
      return fixture.build(change);
    };
    await expect(failing("FROM base:1\nRUN echo begun; exit 7\n")).rejects.toMatchObject({
      code: "BUILD_FAILED",
      subject: "blog@v1",
      reason: "the step `RUN echo begun; exit 7` exited with 7",
      detail: expect.stringContaining("begun"),
    });
    await expect(failing("FROM base:1\nCOPY nothing /x\n")).rejects.toMatchObject({
      code: "BUILD_FAILED",
      reason: expect.stringMatching(/COPY nothing.*(?:not found|no such file)/i),
    });
    await expect(failing("FROM base:1\nFETCH x\n")).rejects.toMatchObject({
      code: "BUILD_FAILED",
      detail: expect.stringMatching(/unknown instruction|FETCH/i),
    });
    await expect(failing("FROM base:1\n", { file: "Other" })).rejects.toMatchObject({ code: "FOLDER_MISSING" });
    expect(readdirSync(fixture.folders.builds)).toEqual([]);
    if (fixture.daemon !== undefined) expect(await fixture.daemon.docker("ps", "--all", "--quiet")).toBe("");
  });

  it("has secrets that are in no layer and no log", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool);
    const file = join(fixture.folders.data, "npm-token");
    writeFileSync(file, "the-first-secret\n", { mode: 0o600 });
    fixture.environment["SECOND"] = "the-second-secret";
    fixture.write({
      Dockerfile: lines(
        "FROM base:1 AS build",
        "RUN --mount=type=secret,id=first --mount=type=secret,id=second cat /run/secrets/first /run/secrets/second | head -c 16 > /out; cat /run/secrets/second; echo; cp /out /copy",
        "FROM scratch",
        "COPY --from=build /copy /www/copy",
      ),
    });
    const secrets = { first: { file }, second: { env: "SECOND" } };
    if (tool === "classic") {
      await expect(fixture.build({ secrets })).rejects.toMatchObject({ code: "BUILDER_UNAVAILABLE" });
      return;
    }
    {
      await using image = await fixture.build({ secrets });
      expect((await readImage(image)).files).toEqual({ "/www/copy": "the-first-secret" }); // what the Dockerfile itself puts there
      expect(image.config.toString()).not.toContain("the-second-secret");
    }
    expect(fixture.log()).toContain("***");
    expect(fixture.log()).not.toMatch(/the-(?:first|second)-secret/);
    await expect(fixture.build({ secrets: { x: { env: "NOT_THERE" } } })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      reason: expect.stringContaining("NOT_THERE"),
    });
    await expect(fixture.build({ secrets: { x: { file: "/nowhere/x" } } })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      reason: expect.stringContaining("/nowhere/x"),
    });
  });

  it("is ended by a cancel and by its time limit, with all that it runs", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool);
    const word = (what: string): string => `6543.${what}${process.pid}`;
    const sleeping = (what: string): string => `FROM base:1\nRUN sleep ${word(what)} & sleep ${word(what)}\n`;
    fixture.write({ Dockerfile: sleeping("1") });
    const stop = new AbortController();
    const cancelled = fixture.build({}, { signal: stop.signal });
    cancelled.catch(() => {});
    await until(() => processesWith(word("1")).some((id) => commandOf(id).startsWith("sleep")));
    stop.abort(new SteppeError("DEPLOYMENT_SUPERSEDED", { operation: "deploy", subject: "blog@v1", cause: "v2 came" }));
    await expect(cancelled).rejects.toMatchObject({ code: "DEPLOYMENT_SUPERSEDED" });
    await until(() => processesWith(word("1")).length === 0);
    fixture.write({ Dockerfile: sleeping("2") });
    await expect(fixture.build({ timeoutMs: 3000 })).rejects.toMatchObject({
      code: "BUILD_TIMEOUT",
      reason: "the build did not end within 3 s",
    });
    await until(() => processesWith(word("2")).length === 0);
    expect(readdirSync(fixture.folders.builds)).toEqual([]);
    await expectNothingRuns(fixture);
  });
});

function commandOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "latin1");
  } catch {
    return ""; // it has ended
  }
}

async function expectNothingRuns({ daemon, buildah }: BuilderFixture): Promise<void> {
  if (daemon === undefined) expect(buildah("containers", "--json")).toBe("null");
  else expect(await daemon.docker("ps", "--all", "--quiet")).toBe("");
}
