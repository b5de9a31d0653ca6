import { expect, it } from "vitest";
import type { Deployment } from "../src/api/types.ts";
import { STATIC_BASE } from "../src/images/index.ts";
import { startDockerfilePlatform } from "./support/dockerfile-platform.ts";
import { startDockerRegistry } from "./support/docker-registry.ts";
import { startSteppe } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { TestApp } from "./support/test-app.ts";
import { until } from "./support/until.ts";

const SITE = [
  `LABEL ${STATIC_BASE.label}=${STATIC_BASE.folder}`,
  `ENTRYPOINT ["${STATIC_BASE.entrypoint}"]`,
  `COPY page ${STATIC_BASE.folder}/index.html`,
];
const dockerfile = (...lines: string[]): string => ["FROM base:1", ...lines, ...SITE, ""].join("\n");

it(
  "of a build whose Docker goes away it is told what to do; what is live goes on",
  { timeout: 180_000 },
  async (context) => {
    await using platform = await startDockerfilePlatform(context, "buildkit");
    const app = await TestApp.add(platform.steppe, "blog", platform.folder.file("blog"));
    const first = await app.release("v1", { Dockerfile: dockerfile(), page: "one\n" });
    expect(first.code, first.text).toBe(0);
    const pushing = app.release("v2", {
      Dockerfile: dockerfile(`RUN echo begun; sleep 6543.${process.pid}`),
      page: "two\n",
    });
    await until(() => platform.steppe.events.some(({ message }) => String(message).endsWith(" begun")));
    await platform.daemon?.kill("SIGKILL");
    const { lines } = await pushing;
    const at = lines.findIndex((line) => line.startsWith("error: "));
    expect(lines[at]).toBe("error: build blog@v2: the Docker daemon went away while it built");
    expect(lines[at + 1]).toContain("See `journalctl --unit docker`, then deploy the tag again.");
    expect(lines.slice(at + 2)).toEqual(["  Release 1 of blog goes on serving."]);
    expect(await app.text()).toBe("one\n");
  },
);

it(
  "a tag whose registry is away as it is pushed waits, and goes live when that is back",
  { timeout: 180_000 },
  async (context) => {
    await using steppe = await startSteppe();
    await using folder = temporaryFolder("away");
    let host: string;
    let app: TestApp;
    {
      await using registry = await startDockerRegistry(context);
      ({ host } = registry);
      const image = `${host}/team/blog`;
      app = await TestApp.add(steppe, "blog", folder.file("blog"), ["--image", image, "--poll", "1h"]);
      const first = await app.release("v1", { "index.html": "one\n" });
      expect(first.code, first.text).toBe(0);
    }
    const { code, lines } = await app.release("v2", { "index.html": "two\n" });
    expect(code).toBe(0);
    expect(lines.at(-2)).toMatch(
      /waits for the registry \(127\.0\.0\.1:\d+: .*refused.*\); tried again at \d\d:\d\d:\d\d UTC$/,
    );
    expect(lines.at(-1)).toBe("  v2 is received. `steppe status blog` tells of it.");
    expect(await app.text()).toBe("one\n");
    expect((await steppe.cli("status", "blog")).stdout.toString()).toMatch(
      /v2 waits for the registry, tried again at /,
    );
    await using _registry = await startDockerRegistry(context, { at: host });
    await until(() => steppe.events.some(({ deployment, step }) => deployment === 2 && step === "live"));
    expect(await app.text()).toBe("two\n");
    const { deployments } = (await steppe.json("status", "blog")) as { deployments: Deployment[] };
    expect(deployments).toHaveLength(2);
    const tags = await fetch(`http://${host}/v2/team/blog/tags/list`);
    expect(await tags.json()).toEqual({ name: "team/blog", tags: ["release-v2"] }); // it is a new one, with nothing in it
  },
);

it("an image whose name is mistyped is told of by `steppe status`", { timeout: 60_000 }, async (context) => {
  await using registry = await startDockerRegistry(context);
  await using steppe = await startSteppe();
  const image = `${registry.host}/team/blgo`;
  await steppe.json("app", "add", "blog", "--domain", "blog.localhost", "--image", image, "--poll", "1s");
  const status = async (): Promise<string> => (await steppe.cli("status")).stdout.toString();
  const line = `: ${registry.host} has no repository team/blgo: correct the app's \`image\`, or push the first tag\n`;
  await expect.poll(status, { timeout: 30_000 }).toContain(line);
  expect(await status()).toContain("blog: tags not read since ");
});
