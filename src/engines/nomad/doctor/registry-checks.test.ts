import { expect, test } from "vitest";
import { ImpatientClock } from "../../../../test/support/impatient-clock.ts";
import { until } from "../../../../test/support/until.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { checkRegistries } from "./registry-checks.ts";

const signal = AbortSignal.timeout(20_000);

function away(repository: string): SteppeError {
  return new SteppeError("REGISTRY_UNREACHABLE", {
    operation: "ask",
    subject: repository,
    cause: "connection refused",
  });
}

/** What is found, a line each. */
async function look(
  repositories: readonly string[],
  has: (repository: string, until: AbortSignal) => Promise<boolean>,
  clock = new ImpatientClock(),
): Promise<string[]> {
  const apps = repositories.map((repository, at) => ({ app: `app${at}`, repository }));
  const { checks } = await checkRegistries(apps, { has }, { clock, signal });
  return checks.map(({ status, text }) => `${status} ${text}`);
}

test("each repository is looked at once, with what is wrong with it", async () => {
  const repositories = ["registry.test/blog", "registry.test/shop", "registry.test/blog", "away.test/away"];
  const found = await look(repositories, async (repository) => {
    if (repository.startsWith("away")) throw away(repository);
    return repository.endsWith("blog");
  });
  expect(found).toEqual([
    "ok registry.test/blog, of app0, app2",
    "warn registry.test/shop, of app1: there is no image in it yet",
    "fail away.test/away, of app3: connection refused",
  ]);
  expect(await look([], () => Promise.resolve(true))).toEqual(["ok no app has an image of a registry yet"]);
});

test("of a registry that is away no more is asked", async () => {
  const asked: string[] = [];
  const many = Array.from({ length: 100 }, (_, at) => `away.test/app${at}`);
  const found = await look(["registry.test/blog", ...many], async (repository) => {
    asked.push(repository);
    if (repository.startsWith("away")) throw away(repository);
    return true;
  });
  expect(asked).toEqual(["registry.test/blog", "away.test/app0"]);
  expect(found).toEqual([
    "ok registry.test/blog, of app0",
    "fail away.test/app0, of app1: connection refused",
    "warn 99 more repositories of away.test were not asked for",
  ]);
});

test("one that says nothing is away after a while", async () => {
  const clock = new ImpatientClock();
  const never = (_: string, ended: AbortSignal): Promise<boolean> =>
    new Promise((_, reject) => ended.addEventListener("abort", () => reject(ended.reason as Error)));
  const looking = look(["away.test/blog"], never, clock);
  await until(() => clock.isWatched);
  clock.pass(15_000);
  expect(await looking).toEqual(["fail away.test/blog, of app0: its registry does not answer within 15 s"]);
});

test("no more than eight are asked at once", async () => {
  let [now, most] = [0, 0];
  const repositories = Array.from({ length: 30 }, (_, at) => `registry.test/app${at}`);
  const found = await look(repositories, async () => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
    return true;
  });
  expect(found).toHaveLength(30);
  expect(most).toBe(8);
});
