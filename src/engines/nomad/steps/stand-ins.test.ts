import { expect, test } from "vitest";
import { fakeConsul } from "../../../consul/fakes.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { StandIns } from "./stand-ins.ts";

const registration = (id: string) => ({ id, name: "blog", address: "127.0.0.1", port: 80, tags: [], meta: {} });

/** An agent with a service that somebody's process left, and one that is no stand-in. */
function agent(fails: () => boolean = () => false) {
  const left = { ID: "left", Service: "blog", Tags: [], Meta: { steppe_handover: "blog" }, Port: 80, Address: "" };
  return fakeConsul(({ method, target }, response) => {
    if (method === "GET" && fails()) response.writeHead(403).end("Permission denied");
    else if (method === "GET") response.end(JSON.stringify({ left, other: { ...left, ID: "other", Meta: {} } }));
    else response.end(target.includes("/register") ? "" : "true");
  });
}

test("what a process before left, and what this one registered, is taken away; the agent is asked for all that it has but once", async () => {
  await using consul = await agent();
  const standIns = new StandIns(consul.consul, new FakeClock());
  await standIns.register("blog", [registration("own")]);
  await standIns.register("shop", [registration("shop's")]);
  await Promise.all([standIns.remove("blog"), standIns.remove("wiki")]);
  await standIns.remove("blog");
  expect(consul.seen.map(({ method, target }) => `${method} ${target}`).toSorted()).toEqual([
    "GET /v1/agent/services",
    "PUT /v1/agent/service/deregister/left",
    "PUT /v1/agent/service/deregister/own",
    "PUT /v1/agent/service/register",
    "PUT /v1/agent/service/register",
  ]);
});

test("they are kept from turning critical, but not more often than that takes", async () => {
  await using consul = await agent();
  const clock = new FakeClock();
  const standIns = new StandIns(consul.consul, clock);
  await standIns.keep("blog");
  await standIns.register("blog", [registration("own")]);
  await standIns.keep("blog");
  await clock.advance(5000);
  await standIns.keep("blog");
  await standIns.keep("blog");
  expect(consul.seen.map(({ target }) => target)).toEqual([
    "/v1/agent/service/register",
    "/v1/agent/check/update/service%3Aown",
  ]);
});

test("if that fails, whoever comes next asks again", async () => {
  let isDenied = true;
  await using consul = await agent(() => isDenied);
  const standIns = new StandIns(consul.consul, new FakeClock());
  await expect(standIns.remove("blog")).rejects.toMatchObject({ code: "CONSUL_DENIED" });
  isDenied = false;
  await standIns.remove("blog");
  expect(consul.seen.at(-1)?.target).toBe("/v1/agent/service/deregister/left");
});
