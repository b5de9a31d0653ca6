import { expect, test } from "vitest";
import { fault } from "../../../../test/support/fault.ts";
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
