import { describe, expect, test } from "vitest";
import { recording } from "../../test/support/recording.ts";
import { fakeConsul } from "./fakes.ts";

/** The error of a read that is answered so. */
async function errorOf(status: number, body: string, fields: Record<string, string> = {}): Promise<unknown> {
  await using fake = await fakeConsul((_, response) => response.writeHead(status, fields).end(body));
  return await fake.consul.kv.get("a").then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
}

describe("what Consul says, and what it means", () => {
  test.for([
    [500, "No cluster leader", "CONSUL_UNREACHABLE", "choosing a leader"],
    [500, "rpc error making call: No cluster leader", "CONSUL_UNREACHABLE", "choosing a leader"],
    [500, "leadership lost while committing log", "CONSUL_UNREACHABLE", "choosing a leader"],
    [500, "rpc error making call: EOF", "CONSUL_UNREACHABLE", "does not reach its servers"],
    [
      500,
      "rpc error getting client: failed to get conn: dial tcp 10.0.0.1:0->10.0.0.2:8300: i/o timeout",
      "CONSUL_UNREACHABLE",
      "consul members",
    ],
    [500, "No path to datacenter", "CONSUL_REFUSED", "CONSUL_DATACENTER"],
    [403, "Permission denied", "CONSUL_DENIED", "CONSUL_HTTP_TOKEN"],
    [
      403,
      "rpc error making call: Permission denied: token with AccessorID 'x' lacks permission 'key:write'",
      "CONSUL_DENIED",
      "policies",
    ],
    [403, "ACL not found", "CONSUL_DENIED", "There is no such token"],
    [401, "", "CONSUL_DENIED", "CONSUL_HTTP_TOKEN"],
    [
      400,
      'Invalid query parameter: "ns" - Namespaces are a Consul Enterprise feature',
      "CONSUL_REFUSED",
      "Unset CONSUL_NAMESPACE",
    ],
    [500, 'rpc error making call: raft apply failed: invalid session "x"', "CONSUL_REFUSED", "session is over"],
    [500, 'CheckID "service:nope" does not have associated TTL', "CONSUL_REFUSED", "register the service again"],
    [400, "Client sent an HTTP request to an HTTPS server.", "CONSUL_REFUSED", "set CONSUL_HTTP_SSL=true"],
    [500, "something that nobody knows", "CONSUL_REFUSED", "consul monitor"],
    [413, "Request body(524289 bytes) too large, max size: 524288 bytes.", "CONSUL_REFUSED", "512 KiB"],
    [429, "rate limit exceeded, try again later or against a different server", "CONSUL_LIMITED", "limits"],
    [503, "", "CONSUL_UNREACHABLE", "CONSUL_HTTP_ADDR"],
    [301, "", "CONSUL_ANSWER_INVALID", "CONSUL_HTTP_ADDR"],
    [204, "", "CONSUL_ANSWER_INVALID", "CONSUL_HTTP_ADDR"],
  ] as const)("%d %s", async ([status, body, code, hint]) => {
    expect(await errorOf(status, body)).toMatchObject({
      code,
      operation: "read the key",
      subject: "a",
      hint: expect.stringContaining(hint),
      cause: { status, body: status === 204 ? "" : body, expected: [200, 404] },
    });
  });

  test("is as it was recorded", async () => {
    for (const [file, code] of [
      ["60-kv-bad-wait", "CONSUL_REFUSED"],
      ["62-kv-bad-cas", "CONSUL_REFUSED"],
      ["80-kv-acquire-bad-session", "CONSUL_REFUSED"],
      ["91-agent-check-pass-unknown", "CONSUL_REFUSED"],
      ["98-bad-method", "CONSUL_REFUSED"],
      ["49-kv-get-leading-slash", "CONSUL_ANSWER_INVALID"],
    ] as const) {
      const { status, bodyText = "" } = recording("consul", file).response;
      expect(await errorOf(status, bodyText)).toMatchObject({ code, cause: { status, body: bodyText.trim() } });
    }
  });
});

describe("an answer that is not Consul's", () => {
  test.for([
    ["<html>Welcome</html>", "its answer is no JSON"],
    ["{}", "it is an object, not a list"],
    ['[{"Key":"a"}]', "[0].Flags is missing, not a whole number from 0"],
    [
      '[{"Key":"a","Flags":0,"Value":"§","LockIndex":0,"CreateIndex":1,"ModifyIndex":1}]',
      "[0].Value is a text, not a text in base64",
    ],
    [`${"[".repeat(200_000)}${"]".repeat(200_000)}`, "nested too deeply"],
  ] as const)("is told: %.60s", async ([body, cause]) => {
    expect(await errorOf(200, body)).toMatchObject({
      code: "CONSUL_ANSWER_INVALID",
      reason: expect.stringContaining(cause),
    });
  });
});

describe("names that cannot be addressed are refused before anything is sent", () => {
  test.each(["", "a/", "a//b", "/a", "a/../b", "./a"])("the key %j", async (key) => {
    await using fake = await fakeConsul((_, response) => response.end("true"));
    const { kv } = fake.consul;
    for (const act of [
      () => kv.get(key),
      () => kv.put(key, "x"),
      () => kv.delete(key),
      () => kv.acquire(key, "x", "s"),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: "USAGE" });
    }
    expect(fake.seen).toEqual([]);
  });

  test.each(["", "/", "a", "a/b"])("the folder %j, of which all would be deleted", async (folder) => {
    await using fake = await fakeConsul((_, response) => response.end("true"));
    await expect(fake.consul.kv.deleteTree(folder)).rejects.toMatchObject({ code: "USAGE" });
    expect(fake.seen).toEqual([]);
  });

  test("a service without a name", async () => {
    await using fake = await fakeConsul((_, response) => response.end("[]"));
    const { agent, catalog, health } = fake.consul;
    for (const act of [() => agent.deregister(""), () => catalog.service(""), () => health.service("")]) {
      await expect(act()).rejects.toMatchObject({ code: "USAGE" });
    }
    expect(fake.seen).toEqual([]);
  });
});

test("a service that is not registered is deregistered: newer versions say that they do not know it", async () => {
  const answers = [
    'Unknown service ID "nope". Ensure that the service ID is passed, not the service name.',
    "no such page",
  ];
  await using fake = await fakeConsul((_, response) => response.writeHead(404).end(answers.shift()));
  await fake.consul.agent.deregister("nope");
  await expect(fake.consul.agent.deregister("nope")).rejects.toMatchObject({ code: "CONSUL_REFUSED" });
});

describe("a change", () => {
  test("that compares is not made twice when its answer is lost, and says that it may have been made", async () => {
    await using fake = await fakeConsul((_, response) => response.destroy());
    for (const act of [
      () => fake.consul.kv.put("a", "x", { cas: 7n }),
      () => fake.consul.kv.delete("a", { cas: 7n }),
      () => fake.consul.kv.release("a", "x", "s"),
      () => fake.consul.transaction([{ verb: "set", key: "a", value: "x" }]),
      () => fake.consul.sessions.create({ name: "n", ttlMs: 10_000, behavior: "release", lockDelayMs: 0 }),
    ]) {
      await expect(act()).rejects.toMatchObject({
        code: "CONSUL_UNREACHABLE",
        reason: `Consul at ${fake.host}: the connection broke off; it may have been done all the same`,
      });
    }
    expect(fake.seen).toHaveLength(5);
  });

  test("that does no harm twice is tried again", async () => {
    let tries = 0;
    await using fake = await fakeConsul((_, response) => {
      if (++tries % 2 === 1) response.destroy();
      else response.end("true");
    });
    expect(await fake.consul.kv.put("a", "x")).toBe(true);
    await fake.consul.agent.deregister("a");
    expect(await fake.consul.kv.acquire("a", "x", "s")).toBe(true);
    expect(tries).toBe(6);
  });
});
