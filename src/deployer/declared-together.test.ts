import { beforeEach, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, fakeDigest, FakeWorld, settle } from "./fakes.ts";

const REPOSITORY = "registry.example.com/team/many";
const MANY = 40;

let world: FakeWorld;
let deployer: AppDeployer;

beforeEach(async () => {
  world = new FakeWorld();
  world.isCluster = true;
  deployer = new AppDeployer(world);
  await deployer.start();
});

async function declare(...definitions: AppDefinition[]): Promise<void> {
  await deployer.apply(definitions, { dryRun: false, prune: false, requestId: "test" });
  await settle();
}

const many = (part: Partial<AppDefinition>): AppDefinition[] =>
  Array.from({ length: MANY }, (_, at) => testDefinition(`many-${at}`, part));

const asked = (kind: string): number => world.registry.requests.filter((request) => request.startsWith(kind)).length;

/** The repository hangs with each question of a kind, until it is let go. */
function hang(kind: string): () => void {
  const gate = Promise.withResolvers<void>();
  world.registry.trouble = (request) => (request.startsWith(`${kind} ${REPOSITORY}`) ? gate.promise : undefined);
  return () => gate.resolve();
}

test.each(["tags", "pull"])(
  "of one registry, %s are asked for sixteen apps at once; it keeps no other waiting",
  async (kind) => {
    world.registry.push(REPOSITORY, "v1", fakeDigest("many"));
    world.registry.push("other.example.com/blog", "v1", fakeDigest("blog"));
    const letGo = hang(kind);
    const blog = testDefinition("blog", { image: { repository: "other.example.com/blog", site: null } });
    await declare(...many({ image: { repository: REPOSITORY, site: null } }), blog);
    const ofOther = 1;
    expect(asked(kind)).toBe(16 + ofOther);
    expect(deployer.app("blog").liveRelease).toBe(1);
    letGo();
    await settle();
    await settle();
    expect(asked(kind)).toBe(MANY + ofOther);
    expect(deployer.apps().every(({ liveRelease }) => liveRelease === 1)).toBe(true);
  },
);

test("nothing is made for git of an app to which nobody pushed", async () => {
  const image = { repository: REPOSITORY, site: null };
  const repository = "https://git.example.com/docs.git";
  await declare(
    testDefinition("blog"),
    testDefinition("shop", { image }),
    testDefinition("docs", { image, repository }),
  );
  expect([...world.sources.repositories.keys()]).toEqual(["blog", "docs"]);
  world.sources.push("shop", "refs/tags/v1", "one");
  const [queued] = (await deployer.refsChanged("shop", "test")).queued;
  expect(await ended(deployer, queued)).toMatchObject({ state: "live" });
});

test("of one host of git repositories four are fetched at once", async () => {
  const gate = Promise.withResolvers<void>();
  world.sources.beforeFetch = () => gate.promise;
  await declare(...many({ repository: "https://git.example.com/many.git" }));
  expect(world.sources.fetched).toHaveLength(4);
  gate.resolve();
  await settle();
  await settle();
  expect(world.sources.fetched).toHaveLength(MANY);
});

test("one that is removed before its turn waits for nothing", async () => {
  hang("tags");
  await declare(...many({ image: { repository: REPOSITORY, site: null } }));
  await deployer.removeApp(`many-${MANY - 1}`);
  expect(deployer.apps()).toHaveLength(MANY - 1);
});
