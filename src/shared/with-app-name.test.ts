import { expect, test } from "vitest";
import { type ErrorCode, SteppeError } from "./errors.ts";
import { withAppName } from "./with-app-name.ts";

const parts = { operation: "promote", subject: "blog", cause: "nothing of it waits for promotion" };
const hintOf = (code: ErrorCode, hint?: string): string =>
  withAppName(new SteppeError(code, { ...parts, hint }), "blog").hint;

test("the hint of a code names the app, wherever it says APP", () => {
  expect(hintOf("NOTHING_TO_PROMOTE")).toBe("`steppe status blog` shows what waits, and for what.");
  expect(hintOf("NOMAD_JOB_CHANGED")).toMatch(/^`steppe drift blog` shows what was changed/);
});

test("any other is as it was", () => {
  expect(hintOf("NOTHING_TO_PROMOTE", "Ask APP.")).toBe("Ask APP.");
  const error = new SteppeError("CHECK_FAILED", parts);
  expect(withAppName(error, "blog")).toBe(error);
});

test("what else there is of the error stays", () => {
  const error = new SteppeError("BUILD_FAILED", { ...parts, detail: "x" }, { cause: "y", retryAfterMs: 7 });
  const named = withAppName(error, "blog");
  expect(named.toJSON()).toEqual({ ...error.toJSON(), hint: "`steppe logs blog --build` shows the whole log." });
  expect([named.cause, named.retryAfterMs]).toEqual(["y", 7]);
});
