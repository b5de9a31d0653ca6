import { describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeDigest, FakeWorld, fakeTree, settle } from "./fakes.ts";

const options = { requestId: "r" };
const REPOSITORY = "registry.example.com/team/blog";
const image = { repository: REPOSITORY, site: null };

async function cluster(definition = {}) {
  const world = new FakeWorld();
  world.isCluster = true;
  const deployer = new AppDeployer(world);
  await deployer.start();
  await deployer.addApp(testDefinition("blog", { image, ...definition }));
  const deploy = async (ref: string, commit: string) => {
    world.sources.push("blog", ref, commit);
    const { queued } = await deployer.refsChanged("blog", "r");
    return await ended(deployer, queued.at(-1));
  };
  return { world, deployer, deploy };
}

const ownTag = (commit: string): string => `steppe-${fakeDigest(commit).slice(7, 19)}`;

async function notesOf(deployer: AppDeployer, id: number): Promise<string[]> {
  const notes: string[] = [];
  for await (const { event, message } of deployer.events(id, new AbortController().signal)) {
    if (event === "note") notes.push(message);
  }
  return notes;
}

describe("on a cluster", () => {
  test("whatever is deployed is in the app's repository by a tag, and a hint of it deploys nothing", async () => {
    const { world, deployer, deploy } = await cluster({ branches: ["main"] });
    expect(await deploy("refs/tags/v1", "one")).toMatchObject({ state: "live" });
    expect(await deploy("refs/heads/main", "two")).toMatchObject({ state: "live" });
    const upload = await deployer.deployUpload("blog", fakeTree("three"), options);
    expect(await ended(deployer, upload)).toMatchObject({ state: "live" });
    expect([...(world.registry.repositories.get(REPOSITORY) ?? [])]).toEqual([
      ["release-v1", fakeDigest("one")],
      [ownTag("two"), fakeDigest("two")],
      [ownTag("three"), fakeDigest("three")],
    ]);
    const told = { registry: "registry.example.com", repository: "team/blog", isProven: true };
    const hint = { ...told, tags: [ownTag("two"), "release-v1"] };
    await deployer.imageChanged(hint, "hint", new AbortController().signal);
    await settle();
    expect(deployer.deployments("blog", 9)).toHaveLength(3);
  });

  test("what is placed already waits for no other deployments as it is made sure of", async () => {
    const { world, deploy } = await cluster();
    const place = world.engine.place.bind(world.engine);
    const urgent: Array<boolean | undefined> = [];
    world.engine.place = (release, context) => (urgent.push(context.isUrgent), place(release, context));
    await deploy("refs/tags/v1", "one");
    expect(urgent).toEqual([undefined, true]);
  });

  test("a tag that Steppe made of a branch or a folder, and does not know any more, deploys nothing", async () => {
    const { world, deployer, deploy } = await cluster();
    await deploy("refs/tags/v1", "one");
    world.registry.push(REPOSITORY, ownTag("lost"), fakeDigest("lost"), Date.UTC(2099, 0, 1));
    const told = { registry: "registry.example.com", repository: "team/blog", isProven: true };
    const hint = { ...told, tags: [ownTag("lost")] };
    const said = await deployer.imageChanged(hint, "hint", new AbortController().signal);
    expect(said).toContain(`${ownTag("lost")} was made by Steppe of a branch or a folder, and never deploys`);
    expect(deployer.deployments("blog", 9)).toHaveLength(1);
  });

  test("an app runs images of its own repository only", async () => {
    const { world, deployer } = await cluster();
    world.registry.push("registry.example.com/other", "v1", fakeDigest("other"));
    await expect(deployer.deployImage("blog", "registry.example.com/other:v1", options)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      reason: `on a cluster an app runs images of its own repository, ${REPOSITORY}`,
    });
    world.registry.push(REPOSITORY, "v1", fakeDigest("own"));
    expect(await ended(deployer, await deployer.deployImage("blog", `${REPOSITORY}:v1`, options))).toMatchObject({
      state: "live",
      image: fakeDigest("own"),
    });
  });

  test.each([
    ["how its site is served", { cleanUrls: true }],
    ["where its images are", { image: { repository: "registry.example.com/team/other", site: null } }],
  ])("a change of %s makes the image anew", async (_, change) => {
    const { world, deployer, deploy } = await cluster();
    await deploy("refs/tags/v1", "one");
    const apply = { dryRun: false, prune: false, requestId: "r" };
    const { deployments } = await deployer.apply([testDefinition("blog", { image, ...change })], apply);
    expect(deployments.map(({ source }) => source.kind)).toEqual(["ref"]);
    await ended(deployer, deployments[0]);
    expect(world.content.built).toEqual(["v1", "v1"]);
    const again = await deployer.apply([testDefinition("blog", { image, ...change, graceMs: 0 })], apply);
    expect(again.deployments.map(({ source }) => source.kind)).toEqual(["definition"]);
  });

  test("of a folder that is not here any more the image stays, and that is told", async () => {
    const { deployer } = await cluster();
    await ended(deployer, await deployer.deployUpload("blog", fakeTree("one"), options));
    await settle(); // what served before has ended as well
    const apply = { dryRun: false, prune: false, requestId: "r" };
    const { deployments } = await deployer.apply([testDefinition("blog", { image, cleanUrls: true })], apply);
    expect(await ended(deployer, deployments[0])).toMatchObject({ state: "live", image: fakeDigest("one") });
    expect(await notesOf(deployer, deployments[0]?.id ?? 0)).toEqual([
      expect.stringContaining("changes when the folder is deployed again"),
    ]);
  });

  test("what runs is left as it is at a start, of whatever app", async () => {
    const { world, deployer, deploy } = await cluster();
    await deploy("refs/tags/v1", "one");
    await deployer.stop();
    const live = world.engine.routed.get("blog");
    world.engine.routed.clear();
    if (live !== undefined) world.engine.routed.set("stranger", { ...live, app: "stranger" });
    world.engine.placed.set("stranger", new Set([1]));
    world.engine.calls.length = 0;
    const next = new AppDeployer(world);
    await next.start();
    await settle();
    expect(world.engine.calls.filter((call) => !call.startsWith("refresh"))).toEqual([]);
    expect(world.engine.placed.has("stranger")).toBe(true);
    await next.stop();
  });

  test("a registry that hangs keeps no build waiting, but only what is to be sent there", async () => {
    const { world, deployer } = await cluster();
    const hung = new Set(["blog", "shop", "docs"]);
    const sending: string[] = [];
    const end = Promise.withResolvers<void>();
    world.content.whileSending = async ({ definition: { name } }) => {
      sending.push(name);
      if (hung.has(name)) await end.promise;
    };
    for (const name of ["shop", "docs"]) await deployer.addApp(testDefinition(name, { image }));
    const other = { repository: "elsewhere.example.com/team/notes", site: null };
    await deployer.addApp(testDefinition("notes", { image: other }));
    const begin = async (app: string) => {
      world.sources.push(app, "refs/tags/v1", `of ${app}`);
      return (await deployer.refsChanged(app, "r")).queued[0];
    };
    const begun = [await begin("blog"), await begin("shop"), await begin("docs")];
    await settle();
    // Two at once, of one registry.
    expect(sending).toEqual(["blog", "shop"]);
    expect(await ended(deployer, await begin("notes"))).toMatchObject({ state: "live" });
    end.resolve();
    for (const deployment of begun) expect(await ended(deployer, deployment)).toMatchObject({ state: "live" });
  });

  test("images of releases need not be kept, those of what is on its way do", async () => {
    const { world, deployer, deploy } = await cluster();
    const pushing = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    world.content.beforePush = () => {
      begun.resolve();
      return pushing.promise;
    };
    const deployment = deploy("refs/tags/v1", "one");
    await begun.promise;
    await deployer.collectGarbage();
    expect([...world.content.images.values()]).toEqual(["one"]);
    pushing.resolve();
    await deployment;
    await deployer.collectGarbage();
    expect([...world.content.images.values()]).toEqual([]);
  });

  test("what came by itself waits for a cluster that is away; who asked for it is told at once", async () => {
    const { world, deployer } = await cluster();
    let isAway = true;
    world.engine.trouble = (call) => {
      const parts = { operation: "register", subject: "the job", cause: "nothing listens there" };
      if (call === "place" && isAway) throw new SteppeError("NOMAD_UNREACHABLE", parts);
    };
    world.sources.push("blog", "refs/tags/v1", "one");
    const [first] = (await deployer.refsChanged("blog", "r")).queued;
    await settle();
    const hold = { kind: "cluster", cause: "nothing listens there" };
    expect(deployer.deployment(first?.id ?? 0)).toMatchObject({ state: "released", hold });

    // A newer one takes its place; it waits as well, also in another process.
    world.sources.push("blog", "refs/tags/v2", "two");
    const [second] = (await deployer.refsChanged("blog", "r")).queued;
    await settle();
    expect(deployer.deployment(first?.id ?? 0)).toMatchObject({ state: "superseded" });
    await deployer.stop();
    const next = new AppDeployer(world);
    await next.start();
    await settle();
    expect(next.deployment(second?.id ?? 0)).toMatchObject({ state: "released", hold });
    isAway = false;
    await world.clock.advance(60_000);
    expect(await ended(next, second)).toMatchObject({ state: "live", hold: null });

    isAway = true;
    const asked = await ended(next, await next.deployRef("blog", { tag: "v1" }, options));
    expect(asked).toMatchObject({ state: "failed", error: { code: "NOMAD_UNREACHABLE" } });
  });

  test("a release that may have visitors already has not failed while the cluster is away: it is taken up again", async () => {
    const { world, deployer, deploy } = await cluster();
    await deploy("refs/tags/v1", "one");
    let isAway = true;
    world.engine.trouble = (call) => {
      const parts = { operation: "look up the health of", subject: "blog", cause: "nothing listens there" };
      const isAsked = call === "after route" || call === "abandon";
      if (isAway && isAsked) throw new SteppeError("CONSUL_UNREACHABLE", parts);
    };
    world.sources.push("blog", "refs/tags/v2", "two");
    const [second] = (await deployer.refsChanged("blog", "r")).queued;
    await settle();
    expect(deployer.deployment(second?.id ?? 0)).toMatchObject({ state: "healthy", finishedAt: null });
    isAway = false;
    await world.clock.advance(5000);
    expect(await ended(deployer, second)).toMatchObject({ state: "live" });
  });

  test("what only Fabio could do is told with the deployment", async () => {
    const { deployer, deploy } = await cluster({ redirectToHttps: true });
    const { id } = await deploy("refs/tags/v1", "one");
    expect((await notesOf(deployer, id)).filter((note) => note.includes("redirectToHttps"))).toHaveLength(1);
  });
});
