import { expect, test } from "vitest";
import { FakeClock } from "../../../shared/clock.ts";
import { MOST_AT_ONCE, Turns } from "./turns.ts";

const context = (change: { signal?: AbortSignal; isUrgent?: boolean } = {}) => {
  const told: string[] = [];
  const { signal } = new AbortController();
  return { signal, told, progress: (message: string) => void told.push(message), ...change };
};

/** All turns are taken. */
async function full(clock = new FakeClock()): Promise<Turns> {
  const turns = new Turns(clock);
  for (let at = 0; at < MOST_AT_ONCE; at++) await turns.begin(`app-${at}`, context());
  return turns;
}

async function hasBegun(beginning: Promise<void>): Promise<boolean> {
  let begun = false;
  void beginning.then(() => (begun = true));
  await new Promise(setImmediate);
  return begun;
}

test("who comes when all turns are taken waits, is told so, and begins when another ends", async () => {
  const turns = await full();
  const [first, second] = [context(), context()];
  const beginnings = [turns.begin("first", first), turns.begin("second", second)];
  expect(first.told).toEqual(["waits for other deployments on the cluster"]);
  turns.end("app-7");
  turns.end("app-7");
  expect(await Promise.all(beginnings.map(hasBegun))).toEqual([true, false]);
  turns.end("first");
  expect(await hasBegun(beginnings[1] ?? Promise.reject(new Error("none")))).toBe(true);
});

test("an app keeps its turn from step to step; what is urgent needs none", async () => {
  const turns = await full();
  await turns.begin("app-3", context());
  await turns.begin("urgent", context({ isUrgent: true }));
  turns.end("urgent");
  expect(await hasBegun(turns.begin("next", context()))).toBe(false);
});

test("one that takes long lets another go on beside it", async () => {
  const clock = new FakeClock();
  const turns = await full(clock);
  const beginning = turns.begin("next", context());
  await clock.advance(59_999);
  expect(await hasBegun(beginning)).toBe(false);
  await clock.advance(1);
  expect(await hasBegun(beginning)).toBe(true);
  for (let at = 0; at < MOST_AT_ONCE; at++) turns.end(`app-${at}`);
  turns.end("next");
  expect(clock.sleeping).toBe(0);
});

test("the signal ends the waiting with its reason", async () => {
  const turns = await full();
  const end = new AbortController();
  const beginning = turns.begin("next", context({ signal: end.signal }));
  const reason = new Error("superseded");
  end.abort(reason);
  await expect(beginning).rejects.toBe(reason);
});
