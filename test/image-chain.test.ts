import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Deployment, PlatformStatus, Release } from "../src/api/types.ts";
import { startDocker } from "./support/docker-daemon.ts";
import { startDockerRegistry } from "./support/docker-registry.ts";
import { jekyllSite, loadStaticBase, settled, startNotifying, STATIC } from "./support/image-chain.ts";
import { importJekyllImage } from "./support/jekyll-image.ts";
import { type RunningSteppe, startSteppe, type UpEvent } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { TestApp } from "./support/test-app.ts";
import { until } from "./support/until.ts";

const ACCEPT = {
  accept: "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
};
async function deploymentsOf(steppe: RunningSteppe, app: string): Promise<Deployment[]> {
  return ((await steppe.json("status", app)) as { deployments: Deployment[] }).deployments;
}

/** Waits until some deployment of an app has ended, as the platform tells. */
async function ended(steppe: RunningSteppe, app: string): Promise<void> {
  await until(() =>
    steppe.events.some((event) => event["app"] === app && ["live", "failed"].includes(String(event["step"]))),
  );
}

const addApp = (steppe: RunningSteppe, name: string, ...options: string[]): Promise<unknown> =>
  steppe.json("app", "add", name, "--domain", `${name}.localhost`, ...options);

test(
  "a tag of git is built by its Dockerfile, pushed to the registry, and live; what the registry tells of it is known",
  { timeout: 300_000 },
  async (context) => {
    await using docker = await startDocker(context, { network: "own" });
    await using steppe = await startSteppe({ env: { DOCKER_HOST: docker.host } });
    await using registry = await startNotifying(context, steppe, "registry");
    await using folder = temporaryFolder("chain");
    await importJekyllImage(context, docker, "jekyll/jekyll:stable");
    await loadStaticBase(context, docker);
    const image = `${registry.host}/team/blog`;
    const app = await TestApp.add(steppe, "blog", folder.file("blog"), ["--image", image, "--poll", "1s"]);

    const { code, text } = await app.release("v1", jekyllSite("Hello"));
    expect(code, text).toBe(0);
    expect(text).toContain(`pushed: ${image}:release-v1`);
    const page = await app.text();
    expect(page).toContain("Hello</h1>");
    expect(page).toMatch(/zone (GMT|BST)/); // it was built in London

    const known = await fetch(`http://${registry.host}/v2/team/blog/manifests/release-v1`, { headers: ACCEPT });
    const digest = known.headers.get("docker-content-digest");
    const [release] = (await steppe.json("releases", "blog")) as Release[];
    expect(release).toMatchObject({ image: digest, ref: "refs/tags/v1", live: true });
    // Its notification came, and polls went on.
    expect(await settled(steppe, "registry", "release-v1")).toContain("blog: release-v1 is sha256:");
    expect(await deploymentsOf(steppe, "blog")).toMatchObject([{ state: "live", image: digest }]);

    const again = await app.release("v2", jekyllSite("Again"));
    expect(again.code, again.text).toBe(0);
    expect(await app.text()).toContain("Again</h1>");
    await settled(steppe, "registry", "release-v2");
    expect(await deploymentsOf(steppe, "blog")).toHaveLength(2);
    const { code: back } = await steppe.cli("rollback", "blog");
    expect(back).toBe(0);
    expect(await app.text()).toContain("Hello</h1>");
  },
);

test(
  "what somebody else pushes with docker is live, by the registry's notification, or without one by polling",
  { timeout: 180_000 },
  async (context) => {
    await using docker = await startDocker(context); // on the machine's network, so that it reaches the registries
    await using steppe = await startSteppe();
    await using telling = await startNotifying(context, steppe, "registry");
    await using silent = await startDockerRegistry(context);
    await using folder = temporaryFolder("pushed");
    await loadStaticBase(context, docker);
    mkdirSync(folder.file("www"));
    writeFileSync(folder.file("Dockerfile"), `FROM ${STATIC}\nCOPY www/ ./\n`);
    await addApp(steppe, "told", "--image", `${telling.host}/team/told`, "--poll", "1h");
    await addApp(steppe, "found", "--image", `${silent.host}/team/found`, "--poll", "1s");

    for (const [name, { host }] of [
      ["told", telling],
      ["found", silent],
    ] as const) {
      writeFileSync(folder.file("www/index.html"), `${name} at ${host}\n`);
      await docker.docker("build", "--quiet", "--tag", `${host}/team/${name}:v1`, folder.path);
      await docker.docker("push", "--quiet", `${host}/team/${name}:v1`);
      await ended(steppe, name);
      expect((await steppe.get({ host: `${name}.localhost`, path: "/" })).text).toBe(`${name} at ${host}\n`);
      const [deployment] = await deploymentsOf(steppe, name);
      expect(deployment).toMatchObject({ state: "live", source: { kind: "image", tag: "v1" } });
      const [release] = (await steppe.json("releases", name)) as Release[];
      expect(release?.reference).toMatch(new RegExp(`^${host}/team/${name}:v1@sha256:[0-9a-f]{64}$`));
      expect((await steppe.cli("releases", name)).stdout.toString()).toContain(`${host}/team/${name}:v1 `);
    }
    // The first poll, which is at some moment of the first 30 seconds, may have been quicker.
    expect(await settled(steppe, "registry", "v1")).toMatch(
      /^told: v1 (\(sha256:\w{12}\) is deployment \d+|is sha256:\w{12}, which is live by deployment \d+)$/,
    );
    const told = await deploymentsOf(steppe, "told");
    expect(told).toHaveLength(1);
    const first = told[0]?.id;
    expect(await deploymentsOf(steppe, "found")).toHaveLength(1);

    // Control dies as it begins to pull: the deployment goes on, once.
    const { processes } = (await steppe.json("status")) as PlatformStatus;
    const tag = `${telling.host}/team/told:v2`;
    writeFileSync(folder.file("www/index.html"), "after a crash\n");
    await docker.docker("build", "--quiet", "--tag", tag, folder.path);
    await docker.docker("push", "--quiet", tag);
    const isOf = (step: string) => (event: UpEvent) =>
      event["app"] === "told" && event["deployment"] !== first && event["step"] === step;
    await until(() => steppe.events.some(isOf("building")));
    process.kill(processes.find(({ kind }) => kind === "control")?.pid ?? 0, "SIGKILL");
    await until(() => steppe.events.some(isOf("live")));
    expect((await steppe.get({ host: "told.localhost", path: "/" })).text).toBe("after a crash\n");
    expect(await settled(steppe, "registry", "v2")).toContain("v2");
    expect(await deploymentsOf(steppe, "told")).toHaveLength(2);

    // Something that no engine here can run is refused, and says which driver is missing.
    writeFileSync(folder.file("Dockerfile"), 'FROM scratch\nCOPY www/ /srv/\nCMD ["/srv/run"]\n');
    const program = `${silent.host}/team/other:v1`;
    await docker.docker("build", "--quiet", "--tag", program, folder.path);
    await docker.docker("push", "--quiet", program);
    const refused = await steppe.cli("deploy", "found", "--image", program);
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain("docker");
    expect((await steppe.get({ host: "found.localhost", path: "/" })).text).toContain("found at");
  },
);
