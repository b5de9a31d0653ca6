import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  testAllocation,
  testDeployment,
  testEvaluation,
  testInstance,
} from "../../../../test/support/cluster-things.ts";
import type { NomadEvent } from "../../../nomad-api/index.ts";
import { hasEnded, isWanted, JobView } from "./job-view.ts";

/** What one thing was at a change. */
interface State {
  id: string;
  index: number;
  version: number;
  status: string;
}

const STATUSES = ["pending", "running", "complete", "failed"];
const VERSIONS = [0, 1, 2, 3];

/** Each thing with all that it was, the oldest first: of each change one state, and no version after a later one. */
const histories = fc
  .array(
    fc.array(
      fc.record({ by: fc.integer({ min: 1, max: 3 }), up: fc.boolean(), status: fc.constantFrom(...STATUSES) }),
      {
        minLength: 1,
        maxLength: 5,
      },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((things) =>
    things.map((changes, at) => {
      let [index, version] = [10, 0];
      return changes.map(({ by, up, status }): State => {
        index += by;
        if (up && version < 3) version++;
        return { id: `thing-${at}`, index, version, status };
      });
    }),
  );

/** What was told of them: everything at least once, as a list or as an event, in any order. */
const tellings = histories.chain((things) => {
  const states = things.flat();
  const some = fc.array(fc.constantFrom(...states), { maxLength: 10 });
  return some.chain((again) =>
    fc
      .tuple(
        fc.shuffledSubarray([...states, ...again], { minLength: states.length + again.length }),
        fc.array(fc.boolean(), { minLength: states.length + again.length, maxLength: states.length + again.length }),
      )
      .map(([order, asEvents]) => ({
        things,
        told: order.map((state, at) => ({ state, isEvent: asEvents[at] === true })),
      })),
  );
});

function eventOf(event: object): NomadEvent {
  return { type: "Updated", key: "", namespace: "default", index: 0n, ...event } as NomadEvent;
}

describe("of lists and events in any order, and more than once, the newest counts", () => {
  test("of instances, and of which version they are", () => {
    fc.assert(
      fc.property(tellings, ({ things, told }) => {
        const view = new JobView();
        const deployments = VERSIONS.map((version) => testDeployment({ id: `d${version}`, jobVersion: version }));
        view.take({ deployments, allocations: [], evaluations: [] });
        for (const { state, isEvent } of told) {
          const { id, index, version, status: clientStatus } = state;
          const common = { id, clientStatus, modifyIndex: BigInt(index) };
          if (isEvent) {
            const allocation = testAllocation({ ...common, deploymentId: `d${version}` });
            view.takeEvent(eventOf({ topic: "Allocation", allocation }));
          } else {
            const allocations = [testInstance({ ...common, jobVersion: version })];
            view.take({ deployments: [], allocations, evaluations: [] });
          }
        }
        const known = view.instances().toSorted((a, b) => (a.id < b.id ? -1 : 1));
        const newest = things.map((states) => states.at(-1));
        expect(known.map((one) => [one.id, one.clientStatus, view.versionOf(one)])).toEqual(
          newest.map((state) => [state?.id, state?.status, state?.version]),
        );
      }),
    );
  });

  test("of deployments and evaluations", () => {
    fc.assert(
      fc.property(tellings, ({ things, told }) => {
        const view = new JobView();
        for (const { state, isEvent } of told) {
          const common = { id: state.id, status: state.status, modifyIndex: BigInt(state.index) };
          const deployment = testDeployment(common);
          const evaluation = testEvaluation(common);
          if (isEvent) {
            view.takeEvent(eventOf({ topic: "Deployment", deployment }));
            view.takeEvent(eventOf({ topic: "Evaluation", evaluation }));
          } else {
            view.take({ deployments: [deployment], allocations: [], evaluations: [evaluation] });
          }
        }
        const newest = new Map(things.map((states) => [states[0]?.id, states.at(-1)?.status]));
        expect(new Map(view.deployments().map(({ id, status }) => [id, status]))).toEqual(newest);
        expect(new Map(view.evaluationsSince(0n).map(({ id, status }) => [id, status]))).toEqual(newest);
      }),
    );
  });
});

test("the job is as the last event told of it, until it may have been forgotten", () => {
  const view = new JobView();
  const job = (modifyIndex: bigint): NomadEvent => eventOf({ topic: "Job", job: { id: "blog", modifyIndex } });
  expect(view.job).toBeUndefined();
  view.takeEvent(job(12n));
  view.takeEvent(job(11n));
  expect(view.job?.modifyIndex).toBe(12n);
  view.takeEvent(eventOf({ topic: "Evaluation", evaluation: testEvaluation({ triggeredBy: "alloc-failure" }) }));
  expect(view.job?.modifyIndex).toBe(12n);
  view.takeEvent(eventOf({ topic: "Evaluation", evaluation: testEvaluation({ triggeredBy: "job-deregister" }) }));
  expect(view.job).toBeUndefined();
});

test("a deployment is found by its registration, not by being the latest", () => {
  const view = new JobView();
  const deployments = [
    testDeployment({ id: "before", jobModifyIndex: 10n, createIndex: 11n }),
    testDeployment({ id: "other", jobId: "shop", jobModifyIndex: 20n, createIndex: 22n }),
  ];
  view.take({ deployments, allocations: [], evaluations: [] });
  expect(view.deployment("blog", 20n)).toBeUndefined();
  view.takeEvent(
    eventOf({ topic: "Deployment", deployment: testDeployment({ id: "now", jobModifyIndex: 20n, createIndex: 21n }) }),
  );
  expect(view.deployment("blog", 20n)?.id).toBe("now");
  expect(view.deployments().map(({ id }) => id)).toEqual(["other", "now", "before"]);
});

test("an instance of a deployment that is not known yet has no version, and then that of its deployment", () => {
  const view = new JobView();
  view.takeEvent(eventOf({ topic: "Allocation", allocation: testAllocation({ deploymentId: "d" }) }));
  const version = (): Array<number | undefined> => view.instances().map((one) => view.versionOf(one));
  expect(version()).toEqual([undefined]);
  view.takeEvent(eventOf({ topic: "Deployment", deployment: testDeployment({ id: "d", jobVersion: 4 }) }));
  expect(version()).toEqual([4]);
});

test("an instance that was changed in place is of the version that a list says, whatever its deployment was before", () => {
  const view = new JobView();
  view.take({ deployments: [testDeployment({ id: "d", jobVersion: 0 })], allocations: [], evaluations: [] });
  view.takeEvent(eventOf({ topic: "Allocation", allocation: testAllocation({ deploymentId: "d", modifyIndex: 11n }) }));
  const allocations = [testInstance({ jobVersion: 1, modifyIndex: 12n })];
  view.take({ deployments: [], allocations, evaluations: [] });
  expect(view.instances().map((one) => view.versionOf(one))).toEqual([1]);
});

test("evaluations of what was before a registration are none of it", () => {
  const view = new JobView();
  const evaluations = [9n, 30n, 20n, 10n].map((createIndex) => testEvaluation({ id: `e${createIndex}`, createIndex }));
  view.take({ deployments: [], allocations: [], evaluations });
  expect(view.evaluationsSince(10n).map(({ id }) => id)).toEqual(["e30", "e20", "e10"]);
});

test.each<[desired: string, client: string, wanted: boolean, ended: boolean]>([
  ["run", "pending", true, false],
  ["run", "running", true, false],
  ["run", "unknown", true, false],
  ["run", "failed", false, true],
  ["run", "lost", false, true],
  ["stop", "running", false, false],
  ["stop", "complete", false, true],
  ["evict", "running", false, false],
])("an instance that is to %s and is %s", (desiredStatus, clientStatus, wanted, ended) => {
  const instance = testInstance({ desiredStatus, clientStatus });
  expect(isWanted(instance)).toBe(wanted);
  expect(hasEnded(instance)).toBe(ended);
});
