import { expect, test } from "vitest";
import type { Job, JobSpec, JobVersion } from "../../../nomad-api/index.ts";
import { isExplained } from "./job-drift.ts";
import { ownerMeta } from "./job-owner.ts";
import { testRelease } from "../../../../test/support/test-engine.ts";

/** A version of the job `blog`, registered at an index. */
function version(index: number, change: Partial<JobSpec> = {}, job: Partial<Job> = {}): JobVersion {
  const spec = { ID: "blog", Version: index, JobModifyIndex: index, SubmitTime: index, ...change };
  const common = { id: "blog", name: "blog", namespace: "default", type: "service", status: "running" };
  const indexes = { createIndex: 1n, modifyIndex: BigInt(index), jobModifyIndex: BigInt(index) };
  const rest = { statusDescription: "", isStopped: false, submittedAt: undefined, version: index, isStable: false };
  return { diff: undefined, job: { ...common, ...indexes, ...rest, meta: spec.Meta ?? {}, spec, ...job } };
}

const release = (number: number, attempt = 0): Partial<JobSpec> => ({ Meta: ownerMeta(testRelease(number), attempt) });
const routes = (number: number, tags: string[]): Partial<JobSpec> => ({
  ...release(number),
  TaskGroups: [{ Name: "blog", Services: [{ Name: "blog", Tags: tags }] }],
});
const edited = { Priority: 70 };

function explained(known: number, newestFirst: JobVersion[], isOwn: boolean): boolean {
  return isExplained(newestFirst, { known: BigInt(known), isOwn, tagPrefix: "urlprefix-" });
}

test.each<[what: string, known: number, versions: JobVersion[], isOwn: boolean, expected: boolean]>([
  ["what is known", 10, [version(10, release(1))], false, true],
  ["an edit", 10, [version(20, { ...release(1), ...edited }), version(10, release(1))], false, false],
  [
    "an edit of the live release",
    10,
    [version(20, { ...release(1), ...edited }), version(10, release(1))],
    true,
    false,
  ],
  ["Nomad's way back", 20, [version(30, release(1)), version(20, release(2)), version(10, release(1))], false, true],
  [
    "a way back from what is not known",
    15,
    [version(30, release(1)), version(20, release(2)), version(10, release(1))],
    false,
    false,
  ],
  [
    "a person's way back",
    20,
    [version(30, release(1)), version(20, release(2), { isStable: true }), version(10, release(1))],
    false,
    false,
  ],
  ["a release registered, but not noted", 10, [version(20, release(2)), version(10, release(1))], true, true],
  ["another try, not noted", 10, [version(20, release(1, 1)), version(10, release(1))], true, true],
  ["another's release", 10, [version(20, release(2)), version(10, release(1))], false, false],
  [
    "a release over an edit",
    10,
    [version(30, release(2)), version(20, { ...release(1), ...edited }), version(10, release(1))],
    true,
    false,
  ],
  [
    "a release over a way back",
    20,
    [version(40, release(3)), version(30, release(1)), version(20, release(2)), version(10, release(1))],
    true,
    true,
  ],
  [
    "a release over a stop",
    10,
    [version(20, release(2)), version(15, release(1), { isStopped: true }), version(10, release(1))],
    true,
    true,
  ],
  ["a job made anew", 10, [version(20, release(2))], true, true],
  ["a job made anew by somebody", 10, [version(20)], false, false],
  [
    "routes that were added",
    10,
    [version(20, routes(1, ["urlprefix-blog.test/", "metrics"])), version(10, routes(1, ["metrics"]))],
    false,
    true,
  ],
  [
    "routes, and more",
    10,
    [version(20, { ...routes(1, ["urlprefix-blog.test/"]), ...edited }), version(10, routes(1, []))],
    false,
    false,
  ],
  [
    "routes that were changed",
    10,
    [version(20, routes(1, ["urlprefix-x.test/"])), version(10, routes(1, ["urlprefix-blog.test/"]))],
    false,
    false,
  ],
  [
    "routes that were taken away",
    10,
    [version(20, routes(1, [])), version(10, routes(1, ["urlprefix-blog.test/"]))],
    false,
    false,
  ],
  ["a job without versions", 10, [], true, false],
])("%s", (_, known, versions, isOwn, expected) => {
  expect(explained(known, versions, isOwn)).toBe(expected);
});
