import { mkdirSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { expect, test } from "vitest";
import type { Deployment, Release } from "../src/api/types.ts";
import { nomadOptions, openNomad } from "../src/nomad-api/index.ts";
import { systemClock } from "../src/shared/clock.ts";
import { clusterAddresses, clusterPage } from "./support/cluster-addresses.ts";
import { startDocker } from "./support/docker-daemon.ts";
import { GitRepository } from "./support/git-repository.ts";
import { jekyllSite, loadStaticBase, settled, startNotifying, STATIC } from "./support/image-chain.ts";
import { importJekyllImage } from "./support/jekyll-image.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { until } from "./support/until.ts";

const APP = "image-chain";
const HOST = "image-chain.test";

/** Waits until so many deployments of the app have gone live or failed; resolves with the newest. */
async function ended(steppe: RunningSteppe, count: number): Promise<Deployment | undefined> {
  const isEnd = ({ app, step }: Record<string, unknown>): boolean =>
    app === APP && ["live", "failed"].includes(String(step));
  await until(() => steppe.events.filter(isEnd).length >= count);
  return ((await steppe.json("status", APP)) as { deployments: Deployment[] }).deployments[0];
}

test(
  "the chain of an image with Nomad, its docker driver and Fabio in place of the local engine",
  { timeout: 300_000 },
  async (context) => {
    const cluster = clusterAddresses(context);
    using nomad = openNomad(nomadOptions(env), { clock: systemClock });
    await using docker = await startDocker(context, { network: "own" });
    const { NOMAD_ADDR, CONSUL_HTTP_ADDR } = cluster;
    await using steppe = await startSteppe({
      engine: "nomad",
      env: { NOMAD_ADDR, CONSUL_HTTP_ADDR, DOCKER_HOST: docker.host },
    });
    await using registry = await startNotifying(context, steppe, "registry");
    await using _job = { [Symbol.asyncDispose]: async () => void (await nomad.jobs.stop(APP, { purge: true })) };
    using folder = temporaryFolder("cluster-chain");
    await importJekyllImage(context, docker, "jekyll/jekyll:stable");
    await loadStaticBase(context, docker);
    const image = `${registry.host}/team/blog`;
    const remote = `file://${folder.file("blog")}`;
    const site = await GitRepository.init(folder.file("blog"));
    await site.tag("v1", jekyllSite("Hello"));

    // Tag, build, push, job, page; what the registry tells of it is known.
    await steppe.json("app", "add", APP, "--domain", HOST, "--repository", remote, "--image", image, "--poll", "1s");
    const first = await ended(steppe, 1);
    expect(first?.error).toBeNull();
    expect(first?.state).toBe("live");
    const page = await clusterPage(cluster, HOST);
    expect(page).toContain("200 ");
    expect(page).toContain("Hello</h1>");
    expect(page).toMatch(/zone (GMT|BST)/);
    expect(await settled(steppe, "registry", "release-v1")).toContain(`${APP}: release-v1 is sha256:`);

    // A second tag comes as a canary, and takes over.
    await site.tag("v2", jekyllSite("Again"));
    expect(await ended(steppe, 2)).toMatchObject({ state: "live", error: null });
    expect(await clusterPage(cluster, HOST)).toContain("Again</h1>");
    await settled(steppe, "registry", "release-v2");
    const { value: job } = await nomad.jobs.read(APP);
    const [release] = (await steppe.json("releases", APP)) as Release[];
    expect(job?.spec.TaskGroups?.[0]?.Tasks?.[0]?.Config?.["image"]).toBe(`${image}@${release?.image}`);
    const { value: deployments } = await nomad.jobs.deployments(APP);
    expect(deployments[0]).toMatchObject({ status: "successful", groups: { [APP]: { promoted: true } } });

    // What somebody else pushes with docker: webhook, job, canary, page.
    await using other = await startDocker(context);
    await loadStaticBase(context, other);
    mkdirSync(folder.file("other"));
    writeFileSync(folder.file("other/index.html"), "pushed by hand\n");
    writeFileSync(folder.file("other/Dockerfile"), `FROM ${STATIC}\nCOPY index.html ./\n`);
    await other.docker("build", "--quiet", "--tag", `${image}:v3`, folder.file("other"));
    await other.docker("push", "--quiet", `${image}:v3`);
    expect(await ended(steppe, 3)).toMatchObject({ state: "live", source: { kind: "image", tag: "v3" }, error: null });
    expect(await clusterPage(cluster, HOST)).toBe("200 pushed by hand\n");

    expect((await steppe.cli("rollback", APP)).code).toBe(0);
    expect(await clusterPage(cluster, HOST)).toContain("Again</h1>");
    expect((await steppe.json("status", APP)) as { deployments: Deployment[] }).toMatchObject({
      deployments: [{ state: "live" }, { state: "live" }, { state: "live" }, { state: "live" }],
    });
  },
);
