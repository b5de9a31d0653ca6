import { expect, test } from "vitest";
import { testContext, testEngine, testRelease } from "../../../../test/support/test-engine.ts";

const REGISTRATION = "PUT /v1/agent/service/register";

test("a Fabio that Consul does not tell of new tags is had to look, so that a first release has its visitors", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  one.cluster.isUntold = true;
  const context = testContext();
  await one.engine.place(testRelease(1), context);
  await one.engine.route(testRelease(1), context);
  expect(context.notes).toEqual([]);
  expect(one.cluster.changes).toContain(REGISTRATION);
  expect([...one.cluster.services.keys()]).toEqual([]);
});

test("one that is told needs nothing more", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  await one.engine.place(testRelease(1), testContext());
  await one.engine.route(testRelease(1), testContext());
  expect(one.cluster.changes).not.toContain(REGISTRATION);
});

test("without the right to register services that is told, and the release is live all the same", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  one.cluster.isUntold = true;
  one.cluster.onRequest = (request) => (request === REGISTRATION ? "denied" : "answered");
  const context = testContext();
  await one.engine.place(testRelease(1), context);
  await one.engine.route(testRelease(1), context);
  expect(context.notes).toEqual([expect.stringContaining("does not send all visitors of blog.test/ to the release")]);
});
