import { expect, test } from "vitest";
import { nanoseconds } from "../../../nomad-api/index.ts";
import { drainMs } from "./drain-ms.ts";

test("what an instance may take to end is what its group and its tasks say, of the slowest group", () => {
  const slow = { Name: "a", ShutdownDelay: nanoseconds(2000), KillTimeout: nanoseconds(30_000) };
  const usual = { Name: "b" };
  const group = { Name: "web", ShutdownDelay: nanoseconds(10_000), Tasks: [slow, usual] };
  expect(drainMs({ ID: "blog", TaskGroups: [group, { Name: "other", Tasks: [usual] }] })).toBe(47_000);
  expect(drainMs({ ID: "blog", TaskGroups: null })).toBe(0);
});
