import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeliveryTable, type NewDeliveryRow } from "./deliveries.ts";
import { Store } from "./store.ts";

interface Hint {
  eventId: string | null;
}

type Delivery = NewDeliveryRow<Hint>;

const DAY = 24 * 60 * 60_000;
const bounds = { mostRefused: 10, mostOthers: 10, mostBodies: 10, mostEvents: 100, maxAge: DAY };

function delivery(change: Partial<Delivery> = {}): Delivery {
  return {
    webhook: "hook",
    sender: "quay",
    receivedAt: 1000,
    verdict: "accepted",
    reason: null,
    status: 202,
    headers: { "content-type": "application/json" },
    body: Buffer.from("{}"),
    bodyBytes: 2,
    hints: [],
    redeliveryOf: null,
    ...change,
  };
}

const refusal = (change: Partial<Delivery> = {}): Delivery =>
  delivery({ verdict: "refused", reason: "no", status: 401, body: null, ...change });

const hints = (...ids: Array<string | null>): Hint[] => ids.map((eventId) => ({ eventId }));

function open(): { store: Store; table: DeliveryTable<Hint>; [Symbol.dispose](): void } {
  const store = Store.open(":memory:");
  return { store, table: new DeliveryTable<Hint>(store), [Symbol.dispose]: () => store.close() };
}

describe("record", () => {
  test("keeps all of a delivery", () => {
    using it = open();
    const one = delivery({ reason: "r", hints: hints("a", null) });
    const [recorded] = it.table.record([one]);
    expect(recorded).toEqual({
      delivery: 1,
      isDuplicate: false,
      hints: hints("a", null).map((hint, seq) => ({ delivery: 1, seq, webhook: "hook", hint })),
    });
    const { hints: _, ...kept } = one;
    const found = it.table.get(1)!;
    expect({ ...found, body: Buffer.from(found.body!) }).toEqual({ ...kept, id: 1, repeats: 0, repeatedAt: null });
    expect(it.table.pendingHints()).toEqual(recorded?.hints);
    expect(it.table.get(2)).toBeUndefined();
  });

  test("leaves out events that came before; what is left is new", () => {
    using it = open();
    it.table.record([delivery({ hints: hints("a", "b", "b") })]);
    const [mixed, again] = it.table.record([
      delivery({ hints: hints("a", "c", null), receivedAt: 2000 }),
      delivery({ hints: hints("c", "b"), receivedAt: 3000 }),
    ]);
    expect(mixed).toMatchObject({
      delivery: 2,
      isDuplicate: false,
      hints: [{ hint: { eventId: "c" } }, { hint: { eventId: null } }],
    });
    expect(again).toEqual({ delivery: 2, isDuplicate: true, hints: [] });
    expect(it.table.get(2)).toMatchObject({ repeats: 1, repeatedAt: 3000 });
    expect(it.table.pendingHints()).toHaveLength(4);
    expect(it.table.record([delivery({ webhook: "other", hints: hints("a") })])[0]?.isDuplicate).toBe(false);
  });

  test("all of them or none", () => {
    using it = open();
    const broken = { ...delivery(), sender: undefined as unknown as string };
    expect(() => it.table.record([delivery({ hints: hints("a") }), broken])).toThrow();
    expect(it.table.list({ limit: 9 })).toEqual([]);
    expect(it.table.record([delivery({ hints: hints("a") })])[0]?.isDuplicate).toBe(false);
  });

  test("a redelivery's events count as new, and take no ids", () => {
    using it = open();
    it.table.record([delivery({ hints: hints("a") })]);
    const [again] = it.table.record([delivery({ hints: hints("a"), redeliveryOf: 1, status: null })]);
    expect(again).toMatchObject({ delivery: 2, isDuplicate: false, hints: [{ delivery: 2 }] });
    expect(it.table.record([delivery({ hints: hints("a") })])[0]).toMatchObject({ delivery: 1, isDuplicate: true });
  });

  test("whatever comes, each event of a webhook is pending once", () => {
    const ids = fc.array(fc.option(fc.constantFrom("a", "b", "c", "d")), { maxLength: 4 });
    const some = fc.array(fc.tuple(fc.constantFrom("x", "y"), ids), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 4 }), (batches) => {
        using it = open();
        for (const batch of batches) {
          it.table.record(batch.map(([webhook, ids]) => delivery({ webhook, hints: hints(...ids) })));
        }
        const seen = (all: Array<[string, string | null]>): string[] =>
          all.filter(([, id]) => id !== null).map(([webhook, id]) => `${webhook} ${id}`);
        const came = batches
          .flat()
          .flatMap(([webhook, ids]) => ids.map((id): [string, string | null] => [webhook, id]));
        const pending = it.table
          .pendingHints()
          .map(({ webhook, hint }): [string, string | null] => [webhook, hint.eventId]);
        expect(seen(pending).sort()).toEqual([...new Set(seen(came))].sort());
        expect(pending.filter(([, id]) => id === null)).toHaveLength(came.filter(([, id]) => id === null).length);
      }),
      { numRuns: 60 },
    );
  });
});

test("settled hints are pending no more, and say what came of them", () => {
  using it = open();
  const [one] = it.table.record([delivery({ hints: hints("a", "b") })]);
  it.table.settleHints(one!.hints.slice(0, 1), "deployed", 5000);
  expect(it.table.pendingHints()).toMatchObject([{ seq: 1 }]);
  expect(it.table.hintsOf(1)).toMatchObject([
    { outcome: "deployed", settledAt: 5000 },
    { outcome: null, settledAt: null },
  ]);
});

test("lists the newest first, in pages, of one webhook or all", () => {
  using it = open();
  it.table.record(["a", "b", "a", "a"].map((webhook) => delivery({ webhook })));
  expect(it.table.list({ limit: 2 }).map(({ id }) => id)).toEqual([4, 3]);
  expect(it.table.list({ limit: 2, before: 3 }).map(({ id }) => id)).toEqual([2, 1]);
  expect(it.table.list({ limit: 9, webhook: "a" }).map(({ id }) => id)).toEqual([4, 3, 1]);
  expect(it.table.list({ limit: 9 }).every(({ body }) => body === null)).toBe(true);
});

describe("prune", () => {
  const ids = (it: { table: DeliveryTable<Hint> }): number[] => it.table.list({ limit: 999 }).map(({ id }) => id);

  test("by number: what was refused never pushes out the others", () => {
    using it = open();
    it.table.record([delivery(), delivery({ verdict: "ignored" })]);
    it.table.record(Array.from({ length: 50 }, () => refusal()));
    it.table.prune({ ...bounds, mostRefused: 3 }, 1000);
    expect(ids(it)).toEqual([52, 51, 50, 2, 1]);
    it.table.prune({ ...bounds, mostOthers: 1 }, 1000);
    expect(ids(it)).toEqual([52, 51, 50, 2]);
  });

  test("by age, but nothing that is not settled", () => {
    using it = open();
    const [first, second] = it.table.record([
      delivery({ hints: hints("a") }),
      delivery({ hints: hints("b") }),
      refusal(),
    ]);
    it.table.record([delivery({ receivedAt: 2 * DAY })]);
    it.table.settleHints(first!.hints, "done", 2000);
    it.table.prune({ ...bounds, mostOthers: 0, mostRefused: 0 }, 2 * DAY);
    expect(ids(it)).toEqual([second!.delivery]);
    expect(it.table.pendingHints()).toHaveLength(1);
    expect(it.store.all("SELECT * FROM delivery_hints")).toHaveLength(1);
  });

  test("bodies go before their deliveries", () => {
    using it = open();
    it.table.record([delivery(), delivery(), refusal(), delivery()]);
    it.table.prune({ ...bounds, mostBodies: 2 }, 1000);
    expect([1, 2, 3, 4].map((id) => it.table.get(id)?.body === null)).toEqual([true, false, true, false]);
  });

  test("events are known longer than their deliveries, and forgotten by age and number", () => {
    using it = open();
    const [first] = it.table.record([delivery({ hints: hints("a", "b") })]);
    it.table.settleHints(first!.hints, "done", 1000);
    it.table.prune({ ...bounds, mostOthers: 0 }, 1000);
    expect(ids(it)).toEqual([]);
    const [again] = it.table.record([delivery({ hints: hints("a") })]);
    expect(again).toMatchObject({ delivery: 2, isDuplicate: true, hints: [] });
    expect(it.table.pendingHints()).toEqual([]);
    it.table.record([delivery({ hints: hints("c"), receivedAt: 2000 })]);
    it.table.prune({ ...bounds, mostEvents: 1 }, 2000);
    expect(it.store.all("SELECT event_id FROM delivery_events")).toEqual([{ event_id: "c" }]);
    it.table.prune(bounds, 3 * DAY);
    expect(it.store.all("SELECT event_id FROM delivery_events")).toEqual([]);
  });
});
