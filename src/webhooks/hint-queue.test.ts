import { describe, expect, test } from "vitest";
import { until } from "../../test/support/until.ts";
import { FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { DeliveryTable, Store } from "../store/index.ts";
import { BrokenJournal } from "./fakes.ts";
import { type Hint, HintQueue, type HintQueueLimits, type JournaledHint } from "./index.ts";

function image(tag: string, repository = "a/b", registry = "r.test"): Hint {
  return { kind: "image", registry, repository, tag, digest: null, eventId: null, at: null };
}

function ref(name: string): Hint {
  return { kind: "ref", repositoryUrls: ["https://git.test/a"], ref: name, commit: null, eventId: null, at: null };
}

/** A queue on a store in memory, whose handler does what a test says. */
function start(
  act: (hints: readonly Hint[], webhook: string, signal: AbortSignal) => Promise<string>,
  limits: Partial<HintQueueLimits> = {},
) {
  const store = Store.open(":memory:");
  const table = new DeliveryTable<Hint>(store);
  const journal = new BrokenJournal(table);
  journal.fails = () => false;
  const clock = new FakeClock();
  const calls: Array<readonly Hint[]> = [];
  const handler = {
    act: (hints: readonly Hint[], webhook: string, signal: AbortSignal): Promise<string> => {
      calls.push(hints);
      return act(hints, webhook, signal);
    },
  };
  const open = (): HintQueue => new HintQueue({ journal, handler, clock, log: silentLogger, limits });
  return {
    clock,
    journal,
    table,
    calls,
    open,
    queue: open(),
    /** Writes a delivery of these hints. */
    record(hints: Hint[], webhook = "hook"): JournaledHint[] {
      const delivery = {
        webhook,
        sender: "quay",
        receivedAt: clock.now(),
        verdict: "accepted" as const,
        reason: null,
        status: 202,
        headers: {},
        body: null,
        bodyBytes: 0,
        hints,
        redeliveryOf: null,
      };
      return journal.record([delivery])[0]!.hints as JournaledHint[];
    },
    [Symbol.dispose]: (): void => store.close(),
  };
}

const done = async (): Promise<string> => "deployed";

describe("hints", () => {
  test("of one repository are acted on together, of others apart", async () => {
    using it = start(done);
    it.queue.add(it.record([image("v1"), image("v2"), image("v1", "c/d"), ref("refs/tags/v1")]));
    await it.clock.advance(80);
    it.queue.add(it.record([image("v1"), image("v3")]));
    it.queue.add(it.record([image("v1")], "other"));
    expect(it.calls).toEqual([]);
    await it.clock.advance(20);
    expect(it.calls.map((hints) => hints.map((hint) => (hint.kind === "image" ? hint.tag : hint.ref)))).toEqual([
      ["v1", "v2", "v1", "v3"],
      ["v1"],
      ["refs/tags/v1"],
    ]);
    await it.clock.advance(80);
    expect(it.calls).toHaveLength(4);
    expect(it.table.pendingHints()).toEqual([]);
    expect(it.table.hintsOf(1)).toMatchObject(
      [1, 2, 3, 4].map(() => ({ outcome: "deployed", settledAt: it.clock.now() - 80 })),
    );
    await it.queue.close();
  });

  test("that come while the same is acted on make one more turn", async () => {
    const asked = Promise.withResolvers<string>();
    const turns = [asked.promise, Promise.resolve("again")];
    using it = start(() => turns.shift()!);
    it.queue.add(it.record([image("v1")]));
    await it.clock.advance(100);
    it.queue.add(it.record([image("v1")]));
    it.queue.add(it.record([image("v1")]));
    await it.clock.advance(5000);
    expect(it.calls).toHaveLength(1);
    asked.resolve("first");
    await until(() => it.clock.sleeping > 0);
    await it.clock.advance(100);
    expect(it.calls).toHaveLength(2);
    expect([1, 2, 3].map((id) => it.table.hintsOf(id)[0]?.outcome)).toEqual(["first", "again", "again"]);
    // Nothing is left of it: what comes later begins anew.
    it.queue.add(it.record([image("v1")]));
    turns.push(Promise.resolve("later"));
    await it.clock.advance(100);
    expect(it.table.hintsOf(4)[0]?.outcome).toBe("later");
    await it.queue.close();
  });

  test("are acted on a few at a time", async () => {
    let [running, most] = [0, 0];
    const gate = Promise.withResolvers<void>();
    using it = start(
      async () => {
        most = Math.max(most, ++running);
        await gate.promise;
        running--;
        return "";
      },
      { atOnce: 3 },
    );
    it.queue.add(it.record(Array.from({ length: 10 }, (_, index) => image("v1", `site-${index}`))));
    await it.clock.advance(100);
    expect(running).toBe(3);
    gate.resolve();
    await until(() => it.table.pendingHints().length === 0);
    expect(most).toBe(3);
    await it.queue.close();
  });
});

describe("a hint that cannot be acted on", () => {
  test("keeps those of other registries from nothing while its own does not answer", async () => {
    const gate = Promise.withResolvers<string>();
    using it = start(([hint]) => (hint?.kind === "image" && hint.registry === "hangs.test" ? gate.promise : done()), {
      atOnce: 2,
    });
    const hanging = Array.from({ length: 5 }, (_, index) => image("v1", `site-${index}`, "hangs.test"));
    it.queue.add(it.record([...hanging, image("v1", "a/b", "answers.test"), ref("refs/tags/v1")]));
    await it.clock.advance(100);
    expect(it.calls).toHaveLength(4);
    expect(it.table.pendingHints().map(({ hint }) => hint)).toEqual(hanging);
    gate.resolve("deployed");
    await it.queue.close();
  });

  test("takes nobody's place while it waits to be tried again, and is tried with what came meanwhile", async () => {
    const broken = (hints: readonly Hint[]): boolean =>
      hints.some((hint) => hint.kind === "image" && hint.repository === "broken") && hints.length < 2;
    using it = start((hints) => (broken(hints) ? Promise.reject(new Error("a 500")) : done()), { atOnce: 1 });
    it.queue.add(it.record([image("v1", "broken"), image("v1", "sound")]));
    await it.clock.advance(100);
    expect(it.table.pendingHints().map(({ hint }) => hint)).toEqual([image("v1", "broken")]);
    it.queue.add(it.record([image("v2", "broken")]));
    await it.clock.advance(2400);
    expect(it.calls.at(-1)).toEqual([image("v1", "broken"), image("v2", "broken")]);
    expect(it.table.pendingHints()).toEqual([]);
    await it.queue.close();
  });

  test("is tried again, later and later, and then given up, which is journaled", async () => {
    using it = start(() => Promise.reject(new Error("the registry does not answer")), { tries: 3 });
    it.queue.add(it.record([image("v1")]));
    await it.clock.advance(100);
    expect(it.calls).toHaveLength(1);
    await it.clock.advance(2400);
    expect(it.calls).toHaveLength(2);
    await it.clock.advance(4800);
    expect(it.calls).toHaveLength(3);
    expect(it.table.hintsOf(1)[0]?.outcome).toMatch(/^gave up after 3 tries: .*the registry does not answer$/);
    await it.queue.close();
  });

  test("or whose outcome cannot be journaled is acted on again at the next start", async () => {
    using it = start(done);
    it.queue.add(it.record([image("v1")]));
    it.journal.fails = (call) => call === "settle";
    await it.clock.advance(100);
    expect(it.calls).toHaveLength(1);
    expect(it.table.pendingHints()).toHaveLength(1);
    it.journal.fails = () => false;
    const next = it.open();
    next.resume();
    await it.clock.advance(100);
    expect(it.calls).toHaveLength(2);
    expect(it.table.pendingHints()).toEqual([]);
    await Promise.all([it.queue.close(), next.close()]);
  });
});

describe("stopping", () => {
  test("aborts what is acted on, settles nothing, and the next start takes all of it up", async () => {
    using it = start(
      (_hint, _webhook, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        }),
    );
    it.queue.add(it.record([image("v1")]));
    await it.clock.advance(100);
    it.queue.add(it.record([image("v1", "c/d")]));
    await it.queue.close();
    it.queue.add(it.record([image("v1", "e/f")]));
    expect(it.calls).toHaveLength(1);
    expect(it.table.pendingHints()).toHaveLength(3);
    const next = it.open();
    next.resume();
    await it.clock.advance(100);
    expect(it.calls).toHaveLength(4);
    await next.close();
  });
});
