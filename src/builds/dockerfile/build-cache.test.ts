import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BuilderFixture, diskUse, openBuilder } from "./dockerfile-fixture.ts";

const DOCKERFILE = [
  "FROM base:1 AS build",
  "RUN echo tools > /tools",
  "WORKDIR /src",
  "COPY . ./",
  "RUN cp large copy",
  "FROM scratch",
  "COPY --from=build /src/copy /www/large",
].join("\n");
const MB = 1024 * 1024;
const UNCHANGED = /CACHED|Using cache/;

async function buildOne(fixture: BuilderFixture, { app = "blog", megabytes = 1 } = {}): Promise<void> {
  fixture.write({ Dockerfile: DOCKERFILE, large: randomBytes(megabytes * MB) });
  await using _image = await fixture.build({}, { app });
}

describe.each(["classic", "buildkit", "buildah"] as const)("what builds by %s leave", (tool) => {
  it(
    "is what the next wants as cache, and no more; a failed build takes none of it",
    { timeout: 300_000 },
    async (context) => {
      await using fixture = await openBuilder(context, tool);
      await buildOne(fixture);
      const first = await diskUse(fixture);
      for (let count = 0; count < 3; count++) {
        await buildOne(fixture);
        expect(fixture.log()).toMatch(UNCHANGED);
      }
      expect(await diskUse(fixture)).toBeLessThan(first + 2 * MB);
      for (let count = 0; count < 2; count++) {
        fixture.write({ Dockerfile: `${DOCKERFILE}\nCOPY nothing /\n`, large: randomBytes(MB) });
        await expect(fixture.build()).rejects.toMatchObject({ code: "BUILD_FAILED" });
      }
      expect(await diskUse(fixture)).toBeLessThan(2 * first);
      await buildOne(fixture);
      expect(fixture.log()).toMatch(UNCHANGED);
      expect(await diskUse(fixture)).toBeLessThan(first + 2 * MB);
    },
  );

  it("goes with its app, by age and by size, and what is not ours stays", { timeout: 300_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool, { cacheBounds: { bytes: 60 * MB, age: 1000 } });
    const { clock, builder, daemon } = fixture;
    const empty = await diskUse(fixture);
    await buildOne(fixture, { app: "blog" });
    await buildOne(fixture, { app: "shop" });
    const before = await diskUse(fixture);
    const others = daemon === undefined ? undefined : await othersUse(fixture);
    const theirs = empty + (await diskUse(fixture)) - before;
    await builder.forget("blog");
    const one = await diskUse(fixture);
    await clock.advance(2000);
    await buildOne(fixture, { app: "news", megabytes: 2 });
    await builder.forget("shop");
    await builder.forget("news");
    expect(await diskUse(fixture)).toBeLessThan(theirs + 2 * MB);
    expect(one).toBeGreaterThan(empty);
    if (others !== undefined) await others.expectThere();
    await buildOne(fixture, { app: "huge", megabytes: 40 });
    expect(await diskUse(fixture)).toBeLessThan(theirs + 2 * MB);
    if (others !== undefined) await others.expectThere();
  });

  it("when control is killed is ended, and removed at the next start", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool);
    const { folders, environment, lines } = fixture;
    // What a control that was killed leaves: a workspace that names its tool, and a program that bears the workspace's mark.
    const workspace = join(folders.builds, "77");
    mkdirSync(join(workspace, "checkout"), { recursive: true });
    writeFileSync(join(workspace, "tool"), tool);
    const left = spawn("sleep", ["9876"], { env: { ...environment, STEPPE_BUILD: workspace }, detached: true });
    const stranger = spawn("sleep", ["9876"], { env: { ...environment, STEPPE_BUILD: `${folders.builds}-other/1` } });
    const ended = once(left, "exit");
    await fixture.again().reconcile();
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(stranger.exitCode ?? stranger.signalCode).toBe(null);
    stranger.kill();
    expect(lines).toEqual([]);
  });
});

/** Somebody else's on the same Docker: an image on one of ours, a container of it, and BuildKit's cache. */
async function othersUse({ daemon, folders }: BuilderFixture): Promise<{ expectThere(): Promise<void> }> {
  if (daemon === undefined) throw new Error("there is no Docker");
  const [ours = ""] = (await daemon.docker("image", "ls", "--quiet", "--filter", "label=steppe.app=blog")).split("\n");
  const base = ours === "" ? "base:1" : ours;
  const context = join(folders.data, "others");
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, "Dockerfile"), `FROM ${base}\nLABEL own=1\n`);
  writeFileSync(join(context, "Dockerfile.2"), `FROM base:1\nRUN echo others > /others\n`);
  await daemon.docker("build", "--tag", "others:1", context);
  await daemon.docker("build", "--tag", "others:2", "--file", join(context, "Dockerfile.2"), context);
  const dangling = (await daemon.docker("build", "--quiet", "--label", "x=1", context)).trim();
  const container = await daemon.docker("create", "others:2", "sh");
  return {
    async expectThere() {
      for (const image of ["others:1", "others:2", "base:1", ...(ours === "" ? [dangling] : [])]) {
        await daemon.docker("image", "inspect", image);
      }
      await daemon.docker("container", "inspect", container);
    },
  };
}
