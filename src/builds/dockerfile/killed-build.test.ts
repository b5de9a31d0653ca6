import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, type TestContext } from "vitest";
import { type BuilderFixture, diskUse, openBuilder } from "./dockerfile-fixture.ts";
import { DockerLabels } from "./docker-labels.ts";
import { labelStages } from "./read-dockerfile.ts";

const MB = 1024 * 1024;

/** The workspace of a build that was killed: it names its tool. */
function leaveWorkspace({ folders }: BuilderFixture, tool: string): void {
  mkdirSync(join(folders.builds, "77", "checkout"), { recursive: true });
  writeFileSync(join(folders.builds, "77", "tool"), tool);
}

async function openDocker(context: TestContext, tool: "classic" | "buildkit") {
  const fixture = await openBuilder(context, tool);
  const docker = async (...args: string[]): Promise<string> => (await fixture.daemon?.docker(...args)) ?? "";
  return { fixture, docker, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

/** What is noted of an app while it is built. */
function ledgerOf({ folders }: BuilderFixture, app: string): { look(): void; restore(): void } {
  const file = join(folders.cache, "@docker", `${app}.json`);
  let text = "";
  return {
    look: () => void (existsSync(file) && (text ||= readFileSync(file, "utf8"))),
    restore: () => writeFileSync(file, text),
  };
}

const options = (labels: Readonly<Record<string, string>>): string[] =>
  Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]);

it(
  "containers and images that the classic builder left go at the next start, and no others",
  { timeout: 120_000 },
  async (context) => {
    await using opened = await openDocker(context, "classic");
    const { fixture, docker } = opened;
    const before = await docker("image", "ls", "--all", "--quiet");
    leaveWorkspace(fixture, "classic");
    const labels = new DockerLabels(realpathSync(fixture.folders.data)).step("blog");
    const another = new DockerLabels("/somebody/else's").step("blog");
    const dockerfile = join(fixture.folders.data, "Dockerfile");
    writeFileSync(dockerfile, labelStages("FROM base:1\nRUN echo left > /left\nRUN echo more > /more\n", labels));
    await docker("build", "--file", dockerfile, fixture.folders.builds);
    await docker("run", "--detach", ...options(labels), "base:1", "sleep", "9876");
    await docker("create", ...options(labels), "base:1", "sh");
    const theirs = await docker("create", ...options(another), "base:1", "sh");
    await fixture.again().reconcile();
    expect((await docker("ps", "--all", "--quiet", "--no-trunc")).split("\n")).toEqual([theirs]);
    expect(await docker("image", "ls", "--all", "--quiet")).toBe(before);
  },
);

it(
  "what BuildKit keeps of a build that was killed is known, and goes with its app",
  { timeout: 120_000 },
  async (context) => {
    await using opened = await openDocker(context, "buildkit");
    const { fixture } = opened;
    const empty = await diskUse(fixture);
    const ledger = ledgerOf(fixture, "blog");
    fixture.write({ Dockerfile: `FROM base:1\nRUN head -c ${20 * MB} /dev/zero > /large\nRUN echo made\n` });
    {
      await using _image = await fixture.build({}, { onLine: () => ledger.look() });
    }
    // As if control had been killed then: its folders are as they were, and the cache has what the build made.
    leaveWorkspace(fixture, "buildkit");
    ledger.restore();
    const next = fixture.again();
    await next.reconcile();
    expect(await diskUse(fixture)).toBeGreaterThan(empty + 20 * MB); // the build that is taken up is faster with it
    await next.forget("blog");
    expect(await diskUse(fixture)).toBeLessThan(empty + 2 * MB);
  },
);

it(
  "what nobody came to note, since Docker was away at the start too, is noted with the next build",
  { timeout: 120_000 },
  async (context) => {
    await using opened = await openDocker(context, "buildkit");
    const { fixture } = opened;
    const empty = await diskUse(fixture);
    const ledger = ledgerOf(fixture, "blog");
    fixture.write({ Dockerfile: `FROM base:1\nRUN head -c ${20 * MB} /dev/zero > /large\n` });
    {
      await using _image = await fixture.build({}, { onLine: () => ledger.look() });
    }
    ledger.restore();
    fixture.write({ Dockerfile: "FROM base:1\nRUN echo small > /small\n" });
    await using _image = await fixture.build();
    await fixture.builder.forget("blog");
    expect(await diskUse(fixture)).toBeLessThan(empty + 2 * MB);
  },
);

it("containers and images that buildah left go at the next start", { timeout: 120_000 }, async (context) => {
  await using fixture = await openBuilder(context, "buildah");
  const before = fixture.buildah("images", "--all", "--quiet");
  leaveWorkspace(fixture, "buildah");
  const container = fixture.buildah("from", "base:1");
  fixture.buildah("config", "--label", "x=1", container);
  fixture.buildah("commit", "--quiet", container);
  await fixture.again().reconcile();
  expect(fixture.buildah("containers", "--quiet")).toBe("");
  expect(fixture.buildah("images", "--all", "--quiet")).toBe(before);
});
