import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FakeClock, systemClock } from "../shared/clock.ts";
import { post, pushes, rawConnection, startReceiver } from "./fakes.ts";
import { senders } from "./index.ts";
import { redeliver } from "./redeliver.ts";
import { sample, SECRET } from "./senders/fakes.ts";

const JSON_TYPE = { "content-type": "application/json" };

test("there is a push of each sender", () => {
  expect([...new Set(pushes.map(([sender]) => sender))].sort()).toEqual([...senders].sort());
});

describe("a delivery", () => {
  test.each(pushes)("of %s as %s: %s is journaled, and then answered 202", async (webhook, name, file) => {
    await using running = await startReceiver();
    const answer = await running.deliver(name, sample(file), { webhook });
    expect(answer).toMatchObject({ status: 202, json: { delivery: 1, verdict: "accepted" } });
    expect(running.table.get(1)).toMatchObject({ webhook, verdict: "accepted", status: 202, reason: null, repeats: 0 });
    expect(Buffer.from(running.table.get(1)?.body ?? [])).toEqual(sample(file).body);
    expect(running.hints.length).toBeGreaterThan(0);
    expect(running.table.pendingHints()).toEqual(running.hints);
  });

  test.each(pushes)(
    "of %s as %s with another secret, or none: 401, and nothing of it is kept",
    async (webhook, name, file) => {
      await using running = await startReceiver();
      const answer = await running.deliver(name, sample(file), { webhook, secret: "another" });
      expect(answer).toMatchObject({ status: 401, json: { code: "WEBHOOK_UNVERIFIED", subject: webhook } });
      const { headers, body } = sample(file);
      expect((await post(running.port, `/hooks/${webhook}`, headers, body)).status).toBe(401);
      running.known.set(webhook, { name: webhook, sender: webhook, secrets: [""] });
      expect((await running.deliver(name, sample(file), { webhook })).status).toBe(401);
      expect(running.table.list({ limit: 9 })).toMatchObject(
        [1, 2, 3].map(() => ({ verdict: "refused", status: 401 })),
      );
      expect(running.table.get(1)?.body).toBeNull();
      expect(running.hints).toEqual([]);
    },
  );

  test("that says nothing to do is answered 200, with why", async () => {
    await using running = await startReceiver();
    const answer = await running.deliver("github", sample("github-ping"));
    expect(answer).toMatchObject({ status: 200, json: { verdict: "ignored", reason: "the event is ping" } });
    expect(running.table.get(1)).toMatchObject({ verdict: "ignored", reason: "the event is ping" });
  });

  test("that came before is a duplicate: by its id, of the same webhook", async () => {
    await using running = await startReceiver();
    running.known.set("second", { name: "second", sender: "github", secrets: [SECRET] });
    const push = sample("github-push-tag");
    await running.deliver("github", push);
    for (const count of [1, 2]) {
      const again = await running.deliver("github", push);
      expect(again).toMatchObject({ status: 202, json: { delivery: 1, verdict: "duplicate" } });
      expect(running.table.get(1)?.repeats).toBe(count);
    }
    expect(running.hints).toHaveLength(1);
    expect((await running.deliver("github", push, { webhook: "second" })).json["verdict"]).toBe("accepted");
    // What gives no id may well be another push of the same tag.
    await running.deliver("quay", sample("quay-push"));
    expect((await running.deliver("quay", sample("quay-push"))).json["verdict"]).toBe("accepted");
  });

  test("that is refused takes no id: the right one, later, is accepted", async () => {
    await using running = await startReceiver();
    await running.deliver("github", sample("github-push-tag"), { secret: "another" });
    expect((await running.deliver("github", sample("github-push-tag"))).json["verdict"]).toBe("accepted");
  });

  test("never leaves a secret in the journal or in an answer", async () => {
    await using running = await startReceiver();
    const answers = [];
    for (const [webhook, name, file] of pushes) answers.push(await running.deliver(name, sample(file), { webhook }));
    answers.push(await post(running.port, `/hooks/quay/${SECRET}x`, JSON_TYPE, "{}"));
    answers.push(await post(running.port, `/hooks/quay/${SECRET}`, JSON_TYPE, "{"));
    const rows = running.store.all("SELECT headers, reason, body FROM deliveries");
    const told = JSON.stringify([
      answers,
      rows.map((row) => ({ ...row, body: Buffer.from((row["body"] ?? "") as string).toString() })),
    ]);
    expect(told).not.toContain(SECRET);
    expect(told).not.toContain(createHmac("sha256", SECRET).update(sample("github-push-tag").body).digest("hex"));
  });
});

describe("an address", () => {
  test.each<[string, string, number, string]>([
    ["POST", "/", 404, "NOT_FOUND"],
    ["POST", "/hooks", 404, "NOT_FOUND"],
    ["POST", "/hooks/", 404, "NOT_FOUND"],
    ["POST", "/hooks/quay/a/b", 404, "NOT_FOUND"],
    ["POST", "/hooks/QUAY/a", 404, "NOT_FOUND"],
    ["POST", "/hooks/quay/%2e", 404, "NOT_FOUND"],
    ["POST", `/hooks/quay/${"a".repeat(257)}`, 404, "NOT_FOUND"],
    ["POST", "/hooks/../v1/apps", 404, "NOT_FOUND"],
    ["POST", "/hooks/nobody", 404, "WEBHOOK_NOT_FOUND"],
    ["POST", "/hooks/nobody/token", 404, "WEBHOOK_NOT_FOUND"],
    ["POST", `/hooks/github/${SECRET}`, 404, "WEBHOOK_NOT_FOUND"],
    ["POST", "/hooks/quay", 401, "WEBHOOK_UNVERIFIED"],
    ["POST", `/hooks/quay?token=${SECRET}`, 401, "WEBHOOK_UNVERIFIED"],
    ["GET", "/hooks/quay", 405, "METHOD_NOT_ALLOWED"],
    ["PUT", `/hooks/quay/${SECRET}`, 405, "METHOD_NOT_ALLOWED"],
  ])("%s %s: %i", async (method, path, status, code) => {
    await using running = await startReceiver();
    const answer = await post(running.port, path, JSON_TYPE, "", method);
    expect(answer).toMatchObject({ status, json: { code } });
    expect(running.table.list({ limit: 9 })).toHaveLength(status === 401 ? 1 : 0);
  });
});

describe("what is refused", () => {
  test("is journaled up to so many a minute, and never in the place of others", async () => {
    const clock = new FakeClock();
    await using running = await startReceiver({ clock, limits: { refusals: 3 } });
    const refuse = (): Promise<unknown> => post(running.port, "/hooks/quay/wrong", JSON_TYPE, "{}");
    for (let index = 0; index < 6; index++) expect(await refuse()).toMatchObject({ status: 401 });
    expect(running.table.list({ limit: 99 })).toHaveLength(3);
    expect((await running.deliver("quay", sample("quay-push"))).status).toBe(202);
    await clock.advance(60_000);
    await refuse();
    expect(running.table.list({ limit: 99 })).toHaveLength(5);
  });
});

describe("redelivery", () => {
  test("reads what was kept again, as a new delivery whose events count as new", async () => {
    await using running = await startReceiver();
    await running.deliver("github", sample("github-push-tag"));
    const again = await redeliver(running.table, 1, new FakeClock());
    expect(again).toMatchObject({ delivery: 2, isDuplicate: false, hints: [{ delivery: 2, webhook: "github" }] });
    expect(again.hints[0]?.hint).toEqual(running.hints[0]?.hint);
    expect(running.table.get(2)).toMatchObject({ redeliveryOf: 1, status: null, verdict: "accepted" });
    expect(running.table.pendingHints()).toHaveLength(2);
  });

  test("of what could not be understood says the same again", async () => {
    await using running = await startReceiver();
    const { headers, body } = sample("quay-push");
    await running.deliver("quay", { headers: { ...headers, "content-encoding": "gzip" }, body: gzipSync(body) });
    await redeliver(running.table, 1, new FakeClock());
    const [again, first] = running.table.list({ limit: 2 });
    expect(first).toMatchObject({ verdict: "refused", reason: "the body is compressed" });
    expect(again).toMatchObject({ verdict: "refused", reason: first?.reason, redeliveryOf: 1 });
  });

  test("not of what was refused, or is not there", async () => {
    await using running = await startReceiver();
    await running.deliver("github", sample("github-push-tag"), { secret: "x" });
    await expect(redeliver(running.table, 1, new FakeClock())).rejects.toMatchObject({ code: "DELIVERY_NOT_FOUND" });
    await expect(redeliver(running.table, 2, new FakeClock())).rejects.toMatchObject({ code: "DELIVERY_NOT_FOUND" });
  });
});

test("closing lets what has come be answered, and refuses what comes after", async () => {
  await using running = await startReceiver({ clock: systemClock });
  const { socket, received, closed } = await rawConnection(running.port);
  const body = sample("quay-push").body.toString();
  socket.write(`POST /hooks/quay/${SECRET} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
  await post(running.port, "/hooks/nobody"); // so the head of the first was read before
  const closing = running.receiver.close();
  socket.write(body + `POST /hooks/quay/${SECRET} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`);
  await closing;
  await closed;
  expect(received()).toMatch(/^HTTP\/1.1 202/);
  expect(running.table.list({ limit: 9 })).toHaveLength(1);
});
