import { expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";
import type { SteppeError } from "../../../shared/errors.ts";
import type { JobSettings } from "./job-settings.ts";
import { requireInPlace } from "./require-in-place.ts";

const settings = { datacenters: ["dc1"] };

test.each([
  [{}, {}],
  [
    { Namespace: "default", Region: "global" },
    { namespace: "web", region: "eu" },
  ], // as Nomad gives what it parsed
  [{ Namespace: "web", Region: "eu" }, { namespace: "web" }],
])("%j of %j is where Steppe looks for it", (parts, where) => {
  expect(() => requireInPlace("blog", { ID: "blog", ...parts }, { ...settings, ...where })).not.toThrow();
});

test.each([
  [{ Namespace: "other" }, {}, "it is of the namespace other, and Steppe's is default"],
  [{ Namespace: "other" }, { namespace: "web" }, "it is of the namespace other, and Steppe's is web"],
  [{ Region: "us" }, { region: "eu" }, "it is of the region us, and Steppe's is eu"],
  [{ Stop: true }, {}, "it is stopped: it says `Stop`"],
])("%j of %j is refused: nobody would find it there", (parts, where, reason) => {
  const error = fault(() => requireInPlace("blog", { ID: "blog", ...parts }, { ...settings, ...where }));
  expect(error).toMatchObject({ code: "NOMAD_JOB_INVALID", subject: "blog", reason });
});

test("what Nomad did not fill in is said: its own defaults count as others do", () => {
  const refused = (parts: Partial<JobSpec>, where: Partial<JobSettings>): SteppeError =>
    fault(() => requireInPlace("blog", { ID: "blog", ...parts }, { ...settings, ...where }, { isFilledIn: false }));
  expect(refused({ Namespace: "default" }, { namespace: "web" }).reason).toBe(
    "it is of the namespace default, and Steppe's is web",
  );
  expect(refused({ Region: "global" }, { region: "eu" }).reason).toBe("it is of the region global, and Steppe's is eu");
  const unsaid = { ID: "blog", Namespace: null, Region: null };
  expect(() =>
    requireInPlace("blog", unsaid, { ...settings, namespace: "web", region: "eu" }, { isFilledIn: false }),
  ).not.toThrow();
});
