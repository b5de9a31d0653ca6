import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { DeliveryTable, Store } from "../store/index.ts";
import { BrokenJournal, numbered, pushes, startReceiver } from "./fakes.ts";
import { type Hint, senders } from "./index.ts";
import { sample, type Sample } from "./senders/fakes.ts";

describe("a journal that cannot write", () => {
  test("is 503, never 2xx, and the delivery may be sent again", async () => {
    using store = Store.open(":memory:");
    const journal = new BrokenJournal(new DeliveryTable<Hint>(store));
    await using running = await startReceiver({ store, journal });
    for (const [webhook, name, file] of pushes) {
      const answer = await running.deliver(name, sample(file), { webhook });
      expect(answer).toMatchObject({ status: 503, json: { code: "RECEIVER_UNAVAILABLE" } });
    }
    expect((await running.deliver("github", sample("github-ping"))).status).toBe(503);
    // A refusal that is answered 2xx would else be lost without a trace.
    const nonsense = { headers: numbered(1).headers, body: Buffer.from("{") };
    expect((await running.deliver("distribution", nonsense)).status).toBe(503);
    // A refusal that is answered as one promises nothing.
    expect((await running.deliver("quay", sample("quay-push"), { secret: "x" })).status).toBe(401);
    expect(running.hints).toEqual([]);
    expect(running.table.list({ limit: 9 })).toEqual([]);
    journal.fails = () => false;
    expect((await running.deliver("github", sample("github-push-tag"))).json["verdict"]).toBe("accepted");
  });

  test("one delivery that cannot be written does not take those with it that came at the same time", async () => {
    using store = Store.open(":memory:");
    const table = new DeliveryTable<Hint>(store);
    const journal = new BrokenJournal(table);
    journal.fails = () => false;
    await using running = await startReceiver({ store, journal });
    const record = journal.record;
    journal.record = (deliveries) => {
      if (deliveries.some(({ webhook }) => webhook === "quay")) throw new Error("no");
      return record(deliveries);
    };
    const answers = await Promise.all(
      pushes.map(([webhook, name, file]) => running.deliver(name, sample(file), { webhook })),
    );
    const statuses = Object.fromEntries(pushes.map(([webhook], index) => [webhook, answers[index]?.status]));
    expect(statuses).toEqual({ ...Object.fromEntries(senders.map((sender) => [sender, 202])), quay: 503 });
  });
});

describe("a crash between the journal and the answer", () => {
  test("loses nothing: the hint is pending, and the sender's next try is a duplicate", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("steppe.db");
    const store = Store.open(file);
    const table = new DeliveryTable<Hint>(store);
    const journal = new BrokenJournal(table);
    journal.fails = () => false;
    const { record } = journal;
    // As after kill -9: what was committed is there, and nobody was told.
    journal.record = (deliveries) => {
      record(deliveries);
      throw new Error("killed");
    };
    {
      await using running = await startReceiver({ store, journal });
      expect((await running.deliver("github", sample("github-push-tag"))).status).toBe(503);
      expect(running.hints).toEqual([]);
    }
    store.close();

    using reopened = Store.open(file);
    await using running = await startReceiver({ store: reopened });
    expect(running.table.pendingHints()).toMatchObject([{ delivery: 1, seq: 0, hint: { ref: "refs/tags/v1.2.0" } }]);
    const again = await running.deliver("github", sample("github-push-tag"));
    expect(again).toMatchObject({ status: 202, json: { delivery: 1, verdict: "duplicate" } });
    expect(running.table.pendingHints()).toHaveLength(1);
  });
});

describe("many at once", () => {
  test("of 600 deliveries, a third of them duplicates, each event is journaled once", async () => {
    await using running = await startReceiver();
    const all = Array.from({ length: 600 }, (_, index) => numbered(index % 400));
    const answers: string[] = [];
    for (let index = 0; index < all.length; index += 100) {
      const some = all.slice(index, index + 100).map((one: Sample) => running.deliver("distribution", one));
      for (const { status, json } of await Promise.all(some)) answers.push(`${status} ${String(json["verdict"])}`);
    }
    expect(answers.filter((answer) => answer === "202 accepted")).toHaveLength(400);
    expect(answers.filter((answer) => answer === "202 duplicate")).toHaveLength(200);
    expect(new Set(running.hints.map(({ hint }) => hint.eventId)).size).toBe(400);
    expect(running.hints).toHaveLength(400);
  });
});
