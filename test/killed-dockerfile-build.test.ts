import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Deployment, PlatformStatus, Release } from "../src/api/types.ts";
import { STATIC_BASE } from "../src/images/index.ts";
import { errno } from "../src/shared/errors.ts";
import { leftovers } from "./soak/leftovers.ts";
import { type Builder, type DockerfilePlatform, startDockerfilePlatform } from "./support/dockerfile-platform.ts";
import type { RunningSteppe, UpEvent } from "./support/steppe.ts";
import { TestApp } from "./support/test-app.ts";
import { until } from "./support/until.ts";

/** Bytes: so that it takes a while to write the image, and to read it. */
const SIZE = 5_000_000;
const WAIT = { timeout: 60_000 };
const DOCKERFILE = `FROM base:1 AS build
COPY seconds page /
RUN echo begun; sleep $(cat /seconds); cp /page /made
FROM scratch
LABEL ${STATIC_BASE.label}=${STATIC_BASE.folder}
ENTRYPOINT ["${STATIC_BASE.entrypoint}"]
COPY --from=build /made ${STATIC_BASE.folder}/index.html
`;

/** The processes whose file in /proc begins with, or holds, some words. */
function processes(isMeant: (id: string) => boolean): number[] {
  return readdirSync("/proc")
    .filter((id) => /^\d+$/.test(id) && isMeant(id))
    .map(Number);
}

function told(id: string, name: string): string {
  try {
    return readFileSync(`/proc/${id}/${name}`, "latin1");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errno(error) ?? "")) return ""; // it has ended, or is of another
    throw error;
  }
}

const sleeping = (seconds: string): number[] =>
  processes((id) => told(id, "cmdline").split("\0").slice(0, 2).join(" ") === `sleep ${seconds}`);

/** What builds leave besides images of sites: to be the same after each. */
async function traces({
  steppe,
  daemon,
  tool,
}: DockerfilePlatform): Promise<{ cache: number; [what: string]: unknown }> {
  const lines = async (...args: string[]): Promise<number> =>
    (await tool(...args)).split("\n").filter((line) => line !== "").length;
  const mark = `STEPPE_BUILD=${steppe.data}`;
  return {
    containers: daemon === undefined ? await lines("containers", "--quiet") : await lines("ps", "--all", "--quiet"),
    images: await lines(...(daemon === undefined ? ["images"] : ["image", "ls"]), "--all", "--quiet"),
    cache: daemon === undefined ? 0 : await cacheRecords(tool),
    temporary: daemon === undefined ? [] : readdirSync(join(daemon.folder, "tmp")),
    left: await leftovers(steppe),
    mounts: readFileSync("/proc/self/mounts", "latin1").includes(steppe.data),
    running: processes((id) => told(id, "environ").includes(mark)),
  };
}

async function cacheRecords(docker: DockerfilePlatform["tool"]): Promise<number> {
  const text = await docker("system", "df", "--verbose", "--format", "{{json .BuildCache}}");
  return ((JSON.parse(text) ?? []) as unknown[]).length;
}

async function controlOf(steppe: RunningSteppe): Promise<number> {
  const { processes: all } = (await steppe.json("status")) as PlatformStatus;
  return all.find(({ kind }) => kind === "control")?.pid ?? 0;
}

/** buildah puts what it needs for a while there, unless it is told another place. */
const ofBuildah = (): string[] => readdirSync("/var/tmp").filter((name) => /^(?:buildah|storage)/.test(name));

function logOf(steppe: RunningSteppe, deployment: number): string {
  try {
    return readFileSync(join(steppe.data, "logs", "builds", `${deployment}.log`), "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return "";
    throw error;
  }
}

describe.each(["buildkit", "classic", "buildah"] satisfies Builder[])("a build by %s", (builder) => {
  it(
    "in whose middle control is killed is made again, goes live once, and leaves nothing of the first try",
    { timeout: 240_000 },
    async (context) => {
      await using platform = await startDockerfilePlatform(context, builder);
      const { steppe, folder } = platform;
      const app = await TestApp.add(steppe, "blog", folder.file("blog"));
      const first = await app.release("v1", { Dockerfile: DOCKERFILE, seconds: "0", page: "one\n" });
      expect(first.code, first.text).toBe(0);
      expect(first.text).toContain(
        { buildkit: "BuildKit", classic: "the classic builder", buildah: "buildah" }[builder],
      );
      const before = await traces(platform);
      expect(before).toMatchObject({ containers: 0, left: [], running: [], mounts: false });
      const temporary = ofBuildah();

      const seconds = `6543.${process.pid}`;
      const pushed = app.release("v2", { Dockerfile: DOCKERFILE, seconds, page: "two\n" });
      await expect.poll(() => /(?:^| )begun$/m.test(logOf(steppe, 2)) && sleeping(seconds).length, WAIT).toBe(1);
      const killed = sleeping(seconds);
      process.kill(await controlOf(steppe), "SIGKILL");
      await pushed; // git lost its server
      expect(await app.text()).toBe("one\n");
      await expect.poll(() => sleeping(seconds).some((id) => !killed.includes(id)), WAIT).toBe(true);
      expect(sleeping(seconds).filter((id) => killed.includes(id))).toEqual([]);
      for (const id of sleeping(seconds)) process.kill(id, "SIGTERM"); // the step goes on
      await until(() => steppe.events.some(({ deployment, step }) => deployment === 2 && step === "live"));

      expect(await app.text()).toBe("two\n");
      const { deployments } = (await steppe.json("status", "blog")) as { deployments: Deployment[] };
      expect(deployments.map(({ id, state }) => [id, state])).toEqual([
        [2, "live"],
        [1, "live"],
      ]);
      expect((await steppe.json("releases", "blog")) as Release[]).toHaveLength(2);
      expect(await traces(platform)).toEqual(before);
      // Those of other tests go by themselves.
      await expect.poll(() => ofBuildah().every((name) => temporary.includes(name)), WAIT).toBe(true);
    },
  );

  it(
    "that is killed with control at other moments goes live once, and leaves nothing",
    { timeout: 300_000 },
    async (context) => {
      await using platform = await startDockerfilePlatform(context, builder);
      const { steppe, folder } = platform;
      const app = await TestApp.add(steppe, "blog", folder.file("blog"));
      const files = { Dockerfile: `${DOCKERFILE}COPY large ${STATIC_BASE.folder}/\n`, seconds: "0" };
      const first = await app.release("v0", { ...files, large: randomBytes(SIZE), page: "v0\n" });
      expect(first.code, first.text).toBe(0);
      const { cache: most, ...beside } = await traces(platform);
      const moments = [/^built in/, /^built: /];
      for (const [index, moment] of moments.entries()) {
        const [control, id] = [await controlOf(steppe), index + 2];
        const isMoment = ({ deployment, message }: UpEvent): boolean =>
          deployment === id && moment.test(String(message));
        const pushed = app.release(`v${id}`, { ...files, large: randomBytes(SIZE), page: `v${id}\n` });
        await until(() => steppe.events.some(isMoment));
        process.kill(control, "SIGKILL");
        await pushed;
        await until(() => steppe.events.some(({ deployment, step }) => deployment === id && step === "live"));
        expect(await app.text()).toBe(`v${id}\n`);
        // Of what is built again wholly from BuildKit's cache, that has no more than what was used.
        const { cache, ...left } = await traces(platform);
        expect(left).toEqual(beside);
        expect(cache).toBeLessThanOrEqual(most);
      }
      expect((await steppe.json("releases", "blog")) as Release[]).toHaveLength(moments.length + 1);
    },
  );
});
