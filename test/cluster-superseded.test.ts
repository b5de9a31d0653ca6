import { readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { expect, test } from "vitest";
import { writeImage } from "../scripts/site-server/oci-image.ts";
import type { Deployment } from "../src/api/types.ts";
import { nomadOptions, openNomad } from "../src/nomad-api/index.ts";
import { systemClock } from "../src/shared/clock.ts";
import { clusterAddresses, clusterPage } from "./support/cluster-addresses.ts";
import { GitRepository } from "./support/git-repository.ts";
import { nativeBinary } from "./support/native-server.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { until } from "./support/until.ts";

const APP = "overtaken";
const HOST = "overtaken.test";

/** Waits until deployments have come to a state; resolves with the states of all, the oldest first. */
async function reached(steppe: RunningSteppe, id: number, step: string): Promise<string[]> {
  await until(() => steppe.events.some((event) => event["deployment"] === id && event["step"] === step));
  const { deployments } = (await steppe.json("status", APP)) as { deployments: Deployment[] };
  return deployments.toReversed().map(({ state }) => state);
}

test(
  "tags that come faster than they become healthy: the newest goes live, a rollback takes the place of what runs, and visitors see no error",
  { timeout: 300_000 },
  async (context) => {
    const cluster = clusterAddresses(context);
    using folder = temporaryFolder("overtaken");
    const binary = readFileSync(await nativeBinary(context));
    writeImage(folder.file("oci"), [{ architecture: "amd64", content: binary }], "1.2.3");
    using nomad = openNomad(nomadOptions(env), { clock: systemClock });
    await using _job = { [Symbol.asyncDispose]: async () => void (await nomad.jobs.stop(APP, { purge: true })) };
    const { NOMAD_ADDR, CONSUL_HTTP_ADDR } = cluster;
    await using steppe = await startSteppe({
      engine: "nomad",
      args: ["--site-base", `oci:${folder.file("oci")}`],
      env: { NOMAD_ADDR, CONSUL_HTTP_ADDR },
    });
    const site = await GitRepository.init(folder.file("site"));
    for (const tag of ["v1", "v2", "v3", "v4"]) await site.tag(tag, { "index.html": tag });
    const image = `${cluster.REGISTRY_ADDR}/overtaken/${Date.now()}`;
    const remote = `file://${folder.file("site")}`;
    const declared = { domains: [HOST], repository: remote, image, run: { minHealthyTime: "6s" } };
    writeFileSync(folder.file("steppe.yaml"), JSON.stringify({ apps: { [APP]: declared } }));
    expect((await steppe.cliIn(folder.path, "apply", "--yes")).code).toBe(0);
    // The first deployment is of the newest tag.
    expect(await reached(steppe, 1, "live")).toEqual(["live"]);
    expect(await clusterPage(cluster, HOST)).toBe("200 v4");

    const seen = new Set<string>();
    let isOver = false;
    const visits = (async () => {
      while (!isOver) seen.add(await clusterPage(cluster, HOST));
    })();
    const deploy = (tag: string): Promise<unknown> => steppe.json("deploy", APP, "--tag", tag, "--no-wait");
    await deploy("v1");
    await reached(steppe, 2, "placed");
    await deploy("v2");
    await deploy("v3");
    expect(await reached(steppe, 4, "live")).toEqual(["live", "live", "superseded", "live"]);

    // A rollback does not wait for what proves itself.
    await deploy("v2");
    await reached(steppe, 5, "placed");
    const back = await steppe.cli("rollback", APP, "2");
    expect([back.code, back.stderr]).toEqual([0, expect.anything()]);
    expect(await reached(steppe, 6, "live")).toEqual(["live", "live", "superseded", "live", "superseded", "live"]);
    isOver = true;
    await visits;
    expect([...seen].toSorted()).toEqual(["200 v1", "200 v3", "200 v4"]);
    expect((await steppe.cli("app", "remove", APP, "--yes")).code).toBe(0);
  },
);
