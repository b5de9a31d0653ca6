import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OpenImage } from "../../images/index.ts";
import { type BuilderFixture, openBuilder } from "./dockerfile-fixture.ts";

const MB = 1024 * 1024;
const dockers = ["classic", "buildkit"] as const;
const tools = [...dockers, "buildah"] as const;

/** A build that does not end; `begun` when its step runs. */
function beginLong(fixture: BuilderFixture): { building: Promise<OpenImage>; begun: Promise<void> } {
  fixture.write({ Dockerfile: `FROM base:1\nRUN echo begun; sleep 6543.${process.pid}\n` });
  const { promise, resolve } = Promise.withResolvers<void>();
  const building = fixture.build({}, { onLine: (line) => void (/(?:^| )begun$/.test(line) && resolve()) });
  building.catch(() => {}); // whoever waits for it is told
  return { building, begun: promise };
}

describe.each(dockers)("a Docker with its builder %s", (tool) => {
  it("that goes away while it builds is named, with what to do about it", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool);
    const { building, begun } = beginLong(fixture);
    await begun;
    await fixture.daemon?.kill("SIGKILL");
    await expect(building).rejects.toMatchObject({
      code: "BUILDER_UNAVAILABLE",
      subject: "blog@v1",
      reason: "the Docker daemon went away while it built",
      hint: expect.stringMatching(/journalctl --unit docker.*deploy the tag again/) as string,
    });
    expect(readdirSync(fixture.folders.builds)).toEqual([]);
    await expect(fixture.build()).rejects.toMatchObject({
      code: "BUILDER_UNAVAILABLE",
      reason: `the Docker daemon does not run, or cannot be reached at ${fixture.daemon?.host}`,
      hint: expect.stringContaining("`DOCKER_HOST`") as string,
    });
  });
});

it("a Docker that is stopped while it builds is named, too", { timeout: 120_000 }, async (context) => {
  await using fixture = await openBuilder(context, "buildkit");
  const { building, begun } = beginLong(fixture);
  await begun;
  await fixture.daemon?.kill("SIGTERM");
  await expect(building).rejects.toMatchObject({ code: "BUILDER_UNAVAILABLE" });
});

describe.each(tools)("a build by %s", (tool) => {
  it("that finds no room says so, and the next has it", { timeout: 120_000 }, async (context) => {
    await using fixture = await openBuilder(context, tool, { disk: "150m" });
    fixture.write({ Dockerfile: `FROM base:1\nRUN head -c ${300 * MB} /dev/zero > /large\n` });
    await expect(fixture.build()).rejects.toMatchObject({
      code: "DISK_FULL",
      reason: expect.stringContaining("no space left on the disk") as string,
      hint: expect.stringContaining(tool === "buildah" ? "steppe status" : "docker system df") as string,
    });
    expect(readdirSync(fixture.folders.builds)).toEqual([]);
    // buildah cannot remove anything on a full disk, so all that it has goes.
    fixture.write({ Dockerfile: `FROM ${tool === "buildah" ? "scratch" : "base:1"}\nCOPY small /small\n`, small: "x" });
    await using _image = await fixture.build();
  });

  it(
    "of an image that is larger than one may be is refused before it is written",
    { timeout: 120_000 },
    async (context) => {
      await using fixture = await openBuilder(context, tool, { imageBytes: 30 * MB });
      const build = (megabytes: number) => {
        fixture.write({ Dockerfile: `FROM base:1\nRUN head -c ${megabytes * MB} /dev/zero > /large\n` });
        return fixture.build();
      };
      await expect(build(40)).rejects.toMatchObject({
        code: "IMAGE_INVALID",
        subject: "the image of blog",
        reason: expect.stringMatching(/^it has \d{8} bytes; 31457280 are taken$/) as string,
        hint: expect.stringContaining("last stage") as string,
      });
      expect(readdirSync(fixture.folders.builds)).toEqual([]);
      await using _image = await build(1);
    },
  );
});
