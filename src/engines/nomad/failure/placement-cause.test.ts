import { expect, test } from "vitest";
import { replay } from "../../../../test/support/replay.ts";
import { testNomad } from "../../../nomad-api/fakes.ts";
import type { PlacementFailure } from "../../../nomad-api/index.ts";
import { placementCause } from "./placement-cause.ts";

test("an evaluation says what there is too little of", async () => {
  await using server = await replay("nomad", ["157-evaluation-blocked"]);
  await using client = testNomad({ NOMAD_ADDR: server.address });
  const { value } = await client.nomad.evaluations.read("6cb9c8c3-d8ed-6074-4f9a-2b0e2e91f50c");
  expect(placementCause(value?.placementFailures ?? {})).toBe(
    "no node has a place for it: too little memory on 1 of 1 node",
  );
});

const none: PlacementFailure = {
  nodesEvaluated: 3,
  nodesFiltered: 0,
  nodesExhausted: 0,
  nodesAvailable: { dc1: 3 },
  constraintFiltered: {},
  classFiltered: {},
  dimensionExhausted: {},
  classExhausted: {},
  quotaExhausted: [],
  coalescedFailures: 0,
};

test.each<[Partial<PlacementFailure>, string]>([
  [{ nodesEvaluated: 0, nodesAvailable: { dc1: 0 } }, "no node is ready in dc1"],
  [{ nodesEvaluated: 0, nodesAvailable: {} }, "no node is ready in its datacenters"],
  [
    {
      dimensionExhausted: { cpu: 1 },
      constraintFiltered: { "${attr.cpu.arch} = arm64": 2 },
      classFiltered: { big: 2 },
    },
    "no node has a place for it: too little cpu on 1 of 3 nodes, the constraint `${attr.cpu.arch} = arm64` does not hold on 2 of 3 nodes",
  ],
  [
    { dimensionExhausted: { disk: 1, memory: 2 } },
    "no node has a place for it: too little memory on 2 of 3 nodes, too little disk on 1 of 3 nodes",
  ],
  [{ classFiltered: { big: 3 } }, "no node has a place for it: the class `big` is ruled out on 3 of 3 nodes"],
  [{ quotaExhausted: ["web"] }, "no node has a place for it: the quota web is used up"],
  [{}, "no node takes it"],
])("%j", (failure, cause) => {
  expect(placementCause({ web: { ...none, ...failure } })).toBe(cause);
});

test("what found its place has no cause, and the same cause is told once", () => {
  expect(placementCause({})).toBeUndefined();
  expect(placementCause({ a: none, b: none })).toBe("no node takes it");
});
