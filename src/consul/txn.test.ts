import { expect, test } from "vitest";
import { fakeConsul } from "./fakes.ts";

test("operations are sent with all their digits and bytes", async () => {
  await using fake = await fakeConsul((_, response) => response.end('{"Results":null,"Errors":null}'));
  const index = 2n ** 64n - 1n;
  const outcome = await fake.consul.transaction([
    { verb: "set", key: "certs//a", value: Buffer.from([0, 255]), flags: index },
    { verb: "cas", key: "b", value: "", index: 0n },
    { verb: "delete-cas", key: "c", index },
    { verb: "check-index", key: "d", index: 7n },
    { verb: "delete", key: "e" },
  ]);
  expect(outcome).toEqual({ committed: true, entries: [] });
  expect(fake.seen[0]).toMatchObject({ method: "PUT", target: "/v1/txn" });
  expect(fake.seen[0]?.body.toString()).toBe(
    '[{"KV":{"Verb":"set","Key":"certs//a","Value":"AP8=","Flags":18446744073709551615}},' +
      '{"KV":{"Verb":"cas","Key":"b","Value":"","Index":0}},' +
      '{"KV":{"Verb":"delete-cas","Key":"c","Index":18446744073709551615}},' +
      '{"KV":{"Verb":"check-index","Key":"d","Index":7}},' +
      '{"KV":{"Verb":"delete","Key":"e"}}]',
  );
});

test("one that is too large, or holds too much, says so", async () => {
  const says = "Transaction contains too many operations (129 > 128)";
  await using fake = await fakeConsul((_, response) => response.writeHead(413).end(says));
  await expect(fake.consul.transaction([{ verb: "delete", key: "a" }])).rejects.toMatchObject({
    code: "CONSUL_REFUSED",
    subject: "delete a",
    reason: `Consul at ${fake.host} answered 413 Payload Too Large: ${says}`,
  });
});
