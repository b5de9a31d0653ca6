import { expect, test } from "vitest";
import type { FieldDiff, JobDiff, ObjectDiff, TaskDiff } from "../api/types.ts";
import { styleFor } from "../shared/style.ts";
import { jobDiffText } from "./job-diff-text.ts";

function lines(...fields: Array<[name: string, old: string, now: string]>): string[] {
  const edited = fields.map(([name, old, now]): FieldDiff => {
    return { type: old === now ? "None" : "Edited", name, old, new: now, annotations: [] };
  });
  const diff: JobDiff = { type: "Edited", name: "blog", fields: edited, objects: [], groups: [] };
  return jobDiffText(diff, styleFor({}, {}))
    .split("\n")
    .slice(1)
    .map((line) => line.trim());
}

test("of what may be a credential only the name is told, by its name or by what it is", () => {
  expect(
    lines(
      ["auth[0][password]", "old", "new"],
      ["Env[NAME]", "old", "new"],
      ["args[0]", "--token=old", "--token=new"],
      ["args[1]", "--db-password", "--db-password"],
      ["args[10]", "-v", "-q"],
      ["args[2]", "old", "new"],
      ["GetterSource", "https://git.test/x", "https://u:pw@git.test/x"],
    ),
  ).toEqual([
    "~ auth[0][password]",
    "~ Env[NAME]",
    "~ args[0]",
    '~ args[10]: "-v" → "-q"',
    "~ args[2]",
    "~ GetterSource",
  ]);
});

test("an image is told, whatever its repository is called", () => {
  expect(lines(["image", "team/auth:v1", "team/auth:v2"])).toEqual(['~ image: "team/auth:v1" → "team/auth:v2"']);
});

test("a task under another name hides them as well", () => {
  const config = (type: "Added" | "Deleted", password: string): ObjectDiff => {
    const said = (name: string, value: string): FieldDiff => {
      return { type, name, old: type === "Added" ? "" : value, new: type === "Added" ? value : "", annotations: [] };
    };
    return { type, name: "Config", fields: [said("args[0]", "--password"), said("args[1]", password)], objects: [] };
  };
  const task = (type: "Added" | "Deleted", name: string, password: string): TaskDiff => {
    return { type, name, fields: [], objects: [config(type, password)], annotations: [] };
  };
  const tasks = [task("Deleted", "server", "before"), task("Added", "blog", "after")];
  const part = { type: "Edited" as const, name: "blog", fields: [], objects: [] };
  const text = jobDiffText({ ...part, groups: [{ ...part, tasks, updates: {} }] }, styleFor({}, {}));
  expect(text).toContain("~ args[1]");
  expect(text).not.toMatch(/before|after|--password/);
});
