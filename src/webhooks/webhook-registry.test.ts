import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { FakeClock } from "../shared/clock.ts";
import { Store, WebhookTable } from "../store/index.ts";
import { senders } from "./types.ts";
import { WebhookRegistry } from "./webhook-registry.ts";

const HOUR = 60 * 60_000;

function make(store = Store.open(":memory:")) {
  const clock = new FakeClock();
  let made = 0;
  const open = (): WebhookRegistry =>
    new WebhookRegistry({ table: new WebhookTable(store), clock, newSecret: () => `a-secret-that-was-made-${++made}` });
  return { store, clock, registry: open(), reopen: open };
}

const add = { name: "hub", sender: "docker-hub", callback: false };

describe("webhooks", () => {
  test("are found with their secret, also after a restart", () => {
    const { registry, reopen } = make();
    registry.add(add);
    registry.add({ ...add, name: "a", sender: "github" });
    expect(registry.find("hub")).toEqual({ name: "hub", sender: "docker-hub", secrets: ["a-secret-that-was-made-1"] });
    expect(reopen().all()).toEqual(registry.all());
    expect(registry.all().map(({ name }) => name)).toEqual(["a", "hub"]);
    registry.remove("hub");
    expect([registry.find("hub"), reopen().find("hub")]).toEqual([undefined, undefined]);
    expect(fault(() => registry.remove("hub")).code).toBe("WEBHOOK_NOT_FOUND");
  });

  test("have a name of their own, a known sender, and a secret that cannot be guessed", () => {
    const { registry } = make();
    registry.add(add);
    expect(fault(() => registry.add(add)).code).toBe("WEBHOOK_EXISTS");
    const wrong = [
      { name: "Hub" },
      { name: "" },
      { name: "-a" },
      { name: "a".repeat(64) },
      { name: "a/b" },
      { name: "b", sender: "constructor" },
      { name: "b", sender: "quay", callback: true },
      { name: "b", secret: "" },
      { name: "b", secret: "short" },
      { name: "b", secret: "with/a/slash/in/it/0123456789" },
      { name: "b", secret: "x".repeat(257) },
      { name: "b", secret: `whsec_${Buffer.alloc(32, 1).toString("base64")}` },
      { name: "b", sender: "gitlab", secret: `whsec_${Buffer.alloc(8, 1).toString("base64")}` },
    ];
    for (const one of wrong) expect(fault(() => registry.add({ ...add, ...one })).code).toBe("USAGE");
    expect(fault(() => registry.add({ ...add, name: "b", secret: "hush" })).message).not.toContain("hush");
    registry.add({ ...add, name: "b", sender: "gitlab", secret: `whsec_${Buffer.alloc(32, 1).toString("base64")}` });
  });
});

describe("a rotation", () => {
  test("lets both secrets hold until its time, or until it is finished", () => {
    const { registry, clock } = make();
    registry.add(add);
    registry.rotate("hub", { keepMs: HOUR });
    expect(registry.find("hub")?.secrets).toEqual(["a-secret-that-was-made-2", "a-secret-that-was-made-1"]);
    expect(fault(() => registry.rotate("hub", { keepMs: HOUR })).code).toBe("WEBHOOK_ROTATING");
    void clock.advance(HOUR);
    expect(registry.find("hub")?.secrets).toEqual(["a-secret-that-was-made-2"]);
    registry.rotate("hub", { keepMs: HOUR });
    registry.finishRotation("hub");
    expect(registry.find("hub")?.secrets).toHaveLength(1);
  });

  test("makes all that were before void at once, if it is asked to", () => {
    const { registry } = make();
    registry.add(add);
    registry.rotate("hub", { keepMs: HOUR });
    registry.rotate("hub", { keepMs: 0, secret: "given-by-somebody-else" });
    expect(registry.find("hub")?.secrets).toEqual(["given-by-somebody-else"]);
  });
});

test("whatever is done, the store holds what is in memory, and no webhook has more than two secrets or none", () => {
  const name = fc.constantFrom("a", "b");
  const action = fc.oneof(
    fc.record({ kind: fc.constant("add"), name, sender: fc.constantFrom(...senders) }),
    fc.record({ kind: fc.constant("rotate"), name, keepMs: fc.constantFrom(0, HOUR) }),
    fc.record({ kind: fc.constantFrom("finish", "remove", "wait"), name }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
      const { registry, reopen, clock } = make();
      for (const one of actions) {
        try {
          if ("sender" in one) registry.add({ ...one, callback: false });
          else if ("keepMs" in one) registry.rotate(one.name, one);
          else if (one.kind === "finish") registry.finishRotation(one.name);
          else if (one.kind === "remove") registry.remove(one.name);
          else void clock.advance(HOUR / 2);
        } catch (error) {
          expect(error).toMatchObject({ name: "SteppeError" });
        }
      }
      expect(reopen().all()).toEqual(registry.all());
      for (const { name: known } of registry.all()) {
        const secrets = registry.find(known)?.secrets ?? [];
        expect([1, 2]).toContain(secrets.length);
        expect(new Set(secrets).size).toBe(secrets.length);
      }
    }),
  );
});
