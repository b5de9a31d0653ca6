import { describe, expect, test } from "vitest";
import type { AppView, Deployment, PlatformStatus } from "../src/api/types.ts";
import { fakeRegistry } from "../src/images/registry/fakes.ts";
import { writeBase } from "../src/images/writer/base-fixture.ts";
import { GitRepository } from "./support/git-repository.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "./support/temporary-folder.ts";
import { until } from "./support/until.ts";

/** Nothing listens there. */
const AWAY = { NOMAD_ADDR: "http://127.0.0.1:9", CONSUL_HTTP_ADDR: "127.0.0.1:9" };

/** A platform whose cluster is away. */
function startAway(folder: TemporaryFolder, options: { data?: string } = {}): Promise<RunningSteppe> {
  writeBase(folder.file("base"), ["amd64", "arm64"]);
  return startSteppe({ engine: "nomad", env: AWAY, args: ["--site-base", `oci:${folder.file("base")}`], ...options });
}

describe("with the engine of a cluster that is away", { timeout: 90_000 }, () => {
  test("control starts without an ingress, says what there is not, and ends when told to", async () => {
    using folder = temporaryFolder("away");
    await using steppe = await startAway(folder);
    expect(steppe.addresses).toMatchObject({ http: null, https: null });
    const status = (await steppe.json("status")) as PlatformStatus;
    expect(status).toMatchObject({ engine: "nomad", addresses: { http: null }, apps: [] });
    expect(status.processes.map(({ kind }) => kind)).toEqual(["control"]);
    const said = await steppe.cli("status");
    expect(said.stdout.toString()).toContain("on the cluster (nomad), where visitors connect to Fabio");

    await steppe.json("app", "add", "blog", "--domain", "blog.test", "--image", "127.0.0.1:9/team/blog");
    for (const command of [
      ["ca", "show"],
      ["logs", "blog"],
    ]) {
      const { code, stderr } = await steppe.cli(...command);
      expect([code, stderr]).toEqual([3, expect.stringContaining("[INGRESS_MISSING]")]);
    }
    expect((await steppe.json("app", "show", "blog")) as AppView).toMatchObject({ urls: ["http://blog.test"] });
    const refused = await steppe.cli("app", "add", "mine", "--domain", "mine.test");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("it has no `image`, and the nodes of a cluster fetch images from a registry");
    expect(await steppe.stop()).toBe(0);
  });

  test("a pushed tag is built, put into the registry, and waits for the cluster, also after a crash of control", async () => {
    using folder = temporaryFolder("away");
    await using registry = await fakeRegistry();
    await using steppe = await startAway(folder);
    const image = `${registry.host}/team/blog`;
    await steppe.json("app", "add", "blog", "--domain", "blog.test", "--image", image);
    const { pushUrl } = (await steppe.json("app", "show", "blog")) as AppView;
    const site = await GitRepository.init(folder.file("site"));
    await site.tag("v1", { "index.html": "<p>first" });
    // The push follows the deployment, which goes on without it.
    const pushing = site.tryGit("push", pushUrl ?? "", "v1");
    const waits = (): number =>
      steppe.events.filter(({ message }) => String(message).includes("waiting for it")).length;
    await until(() => waits() === 1);
    expect([...registry.manifests.keys()]).toContain("release-v1");
    const [control] = ((await steppe.json("status")) as PlatformStatus).processes;
    process.kill(control?.pid ?? 0, "SIGKILL");
    await pushing;
    await until(() => waits() === 2);
    const { deployments } = (await steppe.json("status", "blog")) as { deployments: Deployment[] };
    expect(deployments).toMatchObject([{ state: "released", source: { ref: "refs/tags/v1" } }]);
  });

  test("a data folder of one engine's apps is refused to the other", async () => {
    using folder = temporaryFolder("away");
    using data = temporaryFolder("data");
    {
      await using steppe = await startAway(folder, { data: data.path });
      await steppe.json("app", "add", "blog", "--domain", "blog.test", "--image", "127.0.0.1:9/team/blog");
    }
    await expect(startSteppe({ data: data.path })).rejects.toThrow("what is in it was deployed with --engine nomad");
    await using _ = await startAway(folder, { data: data.path });
  });
});

test("what no job can be registered with is told at once", async () => {
  const away = { NOMAD_ADDR: "http://127.0.0.1:9", NOMAD_NAMESPACE: "*" };
  await expect(startSteppe({ engine: "nomad", env: away })).rejects.toThrow("ENVIRONMENT_INVALID");
});
