import { readFileSync } from "node:fs";
import { env } from "node:process";
import { expect, test } from "vitest";
import { writeImage } from "../scripts/site-server/oci-image.ts";
import type { Deployment, Release, WebhookSetup } from "../src/api/types.ts";
import { openNomad, nomadOptions } from "../src/nomad-api/index.ts";
import { systemClock } from "../src/shared/clock.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { clusterAddresses, clusterPage } from "./support/cluster-addresses.ts";
import { GitRepository } from "./support/git-repository.ts";
import { nativeBinary } from "./support/native-server.ts";
import { type RunningSteppe, startSteppe, steppeProgram } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const APP = "chain";
const HOST = "chain.test";

async function newest(steppe: RunningSteppe): Promise<Deployment | undefined> {
  return ((await steppe.json("status", APP)) as { deployments: Deployment[] }).deployments[0];
}

/** Waits until the newest deployment has ended. */
async function ended(steppe: RunningSteppe, after: number): Promise<Deployment> {
  for (;;) {
    const deployment = await newest(steppe);
    if (deployment !== undefined && deployment.id > after && deployment.finishedAt !== null) return deployment;
  }
}

test(
  "a tag of git, and an image that a webhook tells of, become the page that Fabio gives; the way back is one command",
  { timeout: 300_000 },
  async (context) => {
    const cluster = clusterAddresses(context);
    using folder = temporaryFolder("chain");
    const binary = readFileSync(await nativeBinary(context));
    writeImage(folder.file("oci"), [{ architecture: "amd64", content: binary }], "1.2.3");
    using nomad = openNomad(nomadOptions(env), { clock: systemClock });
    const purge = async (): Promise<void> => void (await nomad.jobs.stop(APP, { purge: true }).catch(() => {}));
    await purge();
    const base = `oci:${folder.file("oci")}`;
    await using steppe = await startSteppe({
      engine: "nomad",
      args: ["--site-base", base],
      env: { NOMAD_ADDR: cluster.NOMAD_ADDR, CONSUL_HTTP_ADDR: cluster.CONSUL_HTTP_ADDR },
    });
    const site = await GitRepository.init(folder.file("site"));
    await site.tag("v1", { "index.html": "<p>first</p>" });
    // Nothing of another run is in it.
    const repository = `chain/${Date.now()}`;
    const image = `${cluster.REGISTRY_ADDR}/${repository}`;
    const remote = `file://${folder.file("site")}`;
    await steppe.json("app", "add", APP, "--domain", HOST, "--repository", remote, "--image", image);
    expect(await ended(steppe, 0)).toMatchObject({ state: "live", error: null });
    expect(await clusterPage(cluster, HOST)).toBe("200 <p>first</p>");

    // An image that was made elsewhere.
    const { url, secret } = (await steppe.json(
      "webhook",
      "add",
      "registry",
      "--sender",
      "distribution",
    )) as WebhookSetup;
    site.write({ "index.html": "<p>second</p>" });
    const build = ["build", site.folder, "--base", base, "--tag", `${image}:v2`, "--push"];
    const built = await runCommand({
      file: steppeProgram,
      args: build,
      cwd: folder.path,
      env: { PATH: env["PATH"] ?? "" },
    });
    expect(built.code, built.stderr).toBe(0);
    const target = { repository, tag: "v2", mediaType: "application/vnd.oci.image.index.v1+json" };
    const event = { id: "1", action: "push", target, request: { host: cluster.REGISTRY_ADDR } };
    const told = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${secret}`,
        "content-type": "application/vnd.docker.distribution.events.v2+json",
      },
      body: JSON.stringify({ events: [event] }),
    });
    expect(told.status).toBe(202);
    expect(await ended(steppe, 1)).toMatchObject({ state: "live", source: { kind: "image", tag: "v2" } });
    expect(await clusterPage(cluster, HOST)).toBe("200 <p>second</p>");

    expect((await steppe.cli("rollback", APP)).code).toBe(0);
    expect(await clusterPage(cluster, HOST)).toBe("200 <p>first</p>");
    const releases = (await steppe.json("releases", APP)) as Release[];
    expect(releases.map(({ number, live }) => [number, live])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect((await steppe.cli("app", "remove", APP, "--yes")).code).toBe(0);
    expect((await clusterPage(cluster, HOST)).slice(0, 3)).toBe("404");
    await purge();
  },
);
