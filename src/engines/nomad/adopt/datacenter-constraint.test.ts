import { expect, test } from "vitest";
import { datacenterConstraint } from "./datacenter-constraint.ts";

const value = (own: string[] | null, all: string[]) => datacenterConstraint({ ID: "blog", Datacenters: own }, all);

test("a job stays in its datacenters where there are more", () => {
  expect(value(["dc1"], ["dc1", "dc2"])).toEqual({ attribute: "${node.datacenter}", operator: "=", value: "dc1" });
  expect(value(["dc1", "eu.west"], ["dc1", "dc2"])).toMatchObject({ operator: "regexp", value: "^(dc1|eu\\.west)$" });
  expect(value(["eu-*"], ["eu-1", "us-1"])).toMatchObject({ operator: "regexp", value: "^(eu-.*)$" });
});

test("where there are none besides, nothing has to keep it", () => {
  for (const own of [["dc1"], ["dc1", "dc2"], ["*"], ["dc*"], [], null]) expect(value(own, ["dc1"])).toBeUndefined();
});
