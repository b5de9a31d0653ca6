import { expect, test } from "vitest";
import { testInstance } from "../../../../test/support/cluster-things.ts";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import type { Check } from "../../../consul/index.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { PatientChecks } from "./patient-checks.ts";

const one = testInstance({ id: "one" });
const two = testInstance({ id: "two" });
const unhealthy = { healthy: false, isCanary: true, at: undefined };

function critical(output: string): Check {
  const check = { id: "check", name: "answers", node: "node", serviceId: "blog", serviceName: "blog", type: "http" };
  return { ...check, status: "critical", output, notes: "" };
}

const wrong = critical("HTTP GET http://10.0.0.1:8080/: 404 Not Found Output: no");
const failing = critical("HTTP GET http://10.0.0.1:8080/: 500 Internal Server Error Output: no");
const busy = critical("HTTP GET http://10.0.0.1:8080/: 503 Service Unavailable Output: ");
const refused = critical("dial tcp 10.0.0.1:8080: connect: connection refused");

function patient() {
  const clock = new FakeClock();
  const checks = new PatientChecks(testDefinition("blog").check, clock);
  return { clock, checks };
}

test("a wrong answer is a failure when it still is one a second later", async () => {
  const { clock, checks } = patient();
  expect(checks.nextMs()).toBe(Infinity);
  expect(checks.failureOf(one, [wrong])).toBeUndefined();
  expect(checks.nextMs()).toBe(1000);
  await clock.advance(999);
  expect([checks.failureOf(one, [wrong]), checks.nextMs()]).toEqual([undefined, 1]);
  await clock.advance(1);
  expect(checks.nextMs()).toBe(0);
  expect(checks.failureOf(one, [failing])).toEqual({
    code: "CHECK_FAILED",
    cause: "GET / answered 500, expected 200–399",
  });
});

test("one that was well in between, or was only not ready, begins anew", async () => {
  for (const better of [[], [busy], [refused]]) {
    const { clock, checks } = patient();
    checks.failureOf(one, [wrong]);
    await clock.advance(900);
    expect([checks.failureOf(one, better), checks.nextMs()]).toEqual([undefined, Infinity]);
    expect(checks.failureOf(one, [wrong])).toBeUndefined();
    await clock.advance(999);
    expect(checks.failureOf(one, [wrong])).toBeUndefined();
    await clock.advance(1);
    expect(checks.failureOf(one, [wrong])).toBeDefined();
  }
});

test("a program that does not answer yet, or says that it is not ready, has as long as Nomad gives it", async () => {
  const { clock, checks } = patient();
  for (const output of [refused, busy, critical("")]) {
    expect(checks.failureOf(one, [output])).toBeUndefined();
    await clock.advance(600_000);
    expect(checks.failureOf(one, [output])).toBeUndefined();
  }
  expect(checks.nextMs()).toBe(Infinity);
});

test("of several instances each has its own second", async () => {
  const { clock, checks } = patient();
  checks.failureOf(one, [wrong]);
  await clock.advance(600);
  checks.failureOf(two, [wrong]);
  expect(checks.nextMs()).toBe(400);
  await clock.advance(400);
  expect(checks.failureOf(two, [wrong])).toBeUndefined();
  expect(checks.failureOf(one, [wrong])).toBeDefined();
});

test("an answer that came when it was asked counts before what Consul says", async () => {
  const { clock, checks } = patient();
  expect(checks.failureOf(one, [refused], "GET / answered 404")).toBeUndefined();
  await clock.advance(1000);
  expect(checks.failureOf(one, [refused], "GET / answered 404")?.cause).toBe("GET / answered 404, expected 200–399");
});

test("one that Nomad gave up has failed, with what its check says now, or said last, or nothing", () => {
  const { checks } = patient();
  expect(checks.failureOf({ ...one, health: unhealthy }, [])?.cause).toBe("it did not become healthy in time");
  checks.failureOf(two, [busy]);
  expect(checks.failureOf({ ...two, health: unhealthy }, [])?.cause).toBe("GET / answered 503, expected 200–399");
  expect(checks.failureOf({ ...two, health: unhealthy }, [refused])?.cause).toContain("connection refused");
});

test("one that Nomad gave up between two starts has failed with how its program ended, whatever was heard of it before", () => {
  const { checks } = patient();
  checks.failureOf(one, [refused]);
  const ended = { type: "Terminated", message: "", details: { exit_code: "1" }, at: undefined };
  const task = { failed: false, restarts: 1, startedAt: undefined, finishedAt: undefined, events: [ended] };
  const given = (state: string) => ({ ...one, health: unhealthy, tasks: { web: { ...task, state } } });
  expect(checks.failureOf(given("pending"), [])).toEqual({
    code: "INSTANCE_FAILED",
    cause: "web: it ended with exit code 1, after 1 restart",
  });
  expect(checks.failureOf(given("running"), [])?.code).toBe("CHECK_FAILED");
});
