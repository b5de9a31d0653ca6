import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test, type TestContext } from "vitest";
import { writeImage } from "../scripts/site-server/oci-image.ts";
import type { DeliveryView, Deployment, PlatformStatus, Release, WebhookSetup } from "../src/api/types.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { type DockerDaemon, startDocker } from "./support/docker-daemon.ts";
import { type DockerRegistry, startDockerRegistry } from "./support/docker-registry.ts";
import { importJekyllImage } from "./support/jekyll-image.ts";
import { nativeBinary } from "./support/native-server.ts";
import { peer } from "./support/peers.ts";
import { type RunningSteppe, startSteppe, type UpEvent } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { TestApp } from "./support/test-app.ts";
import { until } from "./support/until.ts";

const DOCKERFILE = `FROM jekyll/jekyll:stable AS build
RUN apk add --no-cache --update tzdata
ENV TZ=Europe/London
RUN cp /usr/share/zoneinfo/Europe/London /etc/localtime
COPY . ./
RUN jekyll build
FROM stut/statigo:latest
COPY --from=build /srv/jekyll/_site/ ./
`;
const ACCEPT = {
  accept: "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
};
const STATIC = "stut/statigo:latest";

/** The site of a blog, whose page says its words and in which zone it was built. */
function site(words: string): Record<string, string> {
  const page = `---\n---\n# ${words}\n\nzone {{ site.time | date: "%Z" }}\n`;
  return { Dockerfile: DOCKERFILE, "_config.yml": "title: Blog\nexclude: [Dockerfile]\n", "index.md": page };
}

/** Our static base, in a Docker, by the name that the Dockerfile has for it. */
async function loadStaticBase(context: TestContext, docker: DockerDaemon): Promise<void> {
  const skopeo = peer(context, "skopeo");
  using folder = temporaryFolder("static-base");
  const binary = readFileSync(await nativeBinary(context));
  writeImage(folder.file("oci"), [{ architecture: "amd64", content: binary }], "1.2.3");
  const copy = ["--insecure-policy", "copy", "--dest-daemon-host", docker.host, `oci:${folder.file("oci")}:1.2.3`];
  const copied = await runCommand({ file: skopeo, args: [...copy, `docker-daemon:${STATIC}`], env: {} });
  expect(copied.code, copied.stderr).toBe(0);
}

/** A registry that tells the platform of what is pushed to it. */
async function startNotifying(context: TestContext, steppe: RunningSteppe, name: string): Promise<DockerRegistry> {
  const { url, secret } = (await steppe.json("webhook", "add", name, "--sender", "distribution")) as WebhookSetup;
  return await startDockerRegistry(context, { webhook: { url, headers: { Authorization: [`Bearer ${secret}`] } } });
}

/** Waits until a hint of a tag was acted on; resolves with what came of it. */
async function settled(steppe: RunningSteppe, webhook: string, tag: string): Promise<string> {
  for (;;) {
    const deliveries = (await steppe.json("webhook", "deliveries", webhook)) as DeliveryView[];
    const hints = deliveries.flatMap((delivery) => delivery.hints);
    const outcome = hints.find(({ hint }) => hint.kind === "image" && hint.tag === tag)?.outcome;
    if (typeof outcome === "string") return outcome;
  }
}

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

    const { code, text } = await app.release("v1", site("Hello"));
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

    const again = await app.release("v2", site("Again"));
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
