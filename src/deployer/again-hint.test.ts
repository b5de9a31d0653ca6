import { expect, test } from "vitest";
import { SteppeError } from "../shared/errors.ts";
import { withAgainHint } from "./again-hint.ts";
import type { Deployment, DeploymentSource } from "./types.ts";

const full = new SteppeError("DISK_FULL", {
  operation: "build",
  subject: "blog",
  cause: "no space",
  hint: "Free some.",
});
const hintFor = (source: DeploymentSource, error = full): string =>
  withAgainHint(error, { app: "blog", source } as Deployment).hint;

test.each([
  ["refs/tags/v2", "--tag v2"],
  ["refs/heads/feature/one", "--branch feature/one"],
  ["refs/tags/$(reboot)", "--tag '$(reboot)'"],
  ["refs/tags/it's;x", String.raw`--tag 'it'\''s;x'`],
])("a ref that failed is deployed again by name: %s", (ref, option) => {
  const hint = hintFor({ kind: "ref", ref, commit: "c" });
  expect(hint).toBe(`Free some. To try the same again: \`steppe deploy blog ${option}\`.`);
});

test("what is not a ref, and what a newer one took the place of, is not", () => {
  expect(hintFor({ kind: "rollback", release: 1 })).toBe("Free some.");
  const parts = { operation: "deploy", subject: "blog", cause: "newer", hint: "Wait." };
  const superseded = new SteppeError("DEPLOYMENT_SUPERSEDED", parts);
  expect(hintFor({ kind: "ref", ref: "refs/tags/v1", commit: "c" }, superseded)).toBe("Wait.");
});

test("it is said once, however often an error comes by", () => {
  const deployment = { app: "blog", source: { kind: "ref", ref: "refs/tags/v2", commit: "c" } } as Deployment;
  const once = withAgainHint(full, deployment);
  expect(withAgainHint(once, deployment).hint).toBe(once.hint);
});
