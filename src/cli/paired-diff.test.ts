import { expect, test } from "vitest";
import type { FieldDiff, JobDiff, ObjectDiff, TaskDiff } from "../api/types.ts";
import { paired } from "./paired-diff.ts";

const added = (name: string, now: string): FieldDiff => ({ type: "Added", name, old: "", new: now, annotations: [] });
const gone = (name: string, old: string): FieldDiff => ({ type: "Deleted", name, old, new: "", annotations: [] });
const edited = (name: string, old: string, now: string): FieldDiff => ({
  type: "Edited",
  name,
  old,
  new: now,
  annotations: [],
});
const object = (
  type: ObjectDiff["type"],
  name: string,
  fields: FieldDiff[],
  objects: ObjectDiff[] = [],
): ObjectDiff => {
  return { type, name, fields, objects };
};
const task = (type: TaskDiff["type"], name: string, fields: FieldDiff[], objects: ObjectDiff[] = []): TaskDiff => {
  return { ...object(type, name, fields, objects), annotations: ["forces create/destroy update"] };
};
const job = (objects: ObjectDiff[], tasks: TaskDiff[] = []): JobDiff => ({
  ...object("Edited", "blog", [], objects),
  groups: [{ ...object("Edited", "blog", []), tasks, updates: { canary: 1 } }],
});

test("what is taken away and added under one name is what changes", () => {
  const before = object("Deleted", "Check", [gone("Interval", "2000"), gone("Path", "/"), gone("Expose", "false")]);
  const header = object("Added", "Header", [added("Host[0]", "blog.test")]);
  const after = object(
    "Added",
    "Check",
    [added("Interval", "1000"), added("Path", "/"), added("Expose", "false"), added("Method", "GET")],
    [header],
  );
  expect(paired(job([before, after])).objects).toEqual([
    object("Edited", "Check", [edited("Interval", "2000", "1000"), added("Method", "GET")], [header]),
  ]);
});

test("where there are several of a name, none is taken for another; what nobody said is left out", () => {
  const some = ["/a", "/b"].map((path) =>
    object("Added", "Check", [added("Path", path), added("Expose", "false"), added("Port", "0")]),
  );
  const old = object("Deleted", "Check", [gone("Path", "/c"), gone("TLSSkipVerify", "false")]);
  expect(paired(job([...some, old])).objects).toEqual([
    object("Added", "Check", [added("Path", "/a")]),
    object("Added", "Check", [added("Path", "/b")]),
    object("Deleted", "Check", [gone("Path", "/c")]),
  ]);
});

test("a task under another name is the same task", () => {
  const config = (type: "Added" | "Deleted", image: string) =>
    object(type, "Config", [type === "Added" ? added("image", image) : gone("image", image)]);
  const before = task("Deleted", "server", [gone("Driver", "docker")], [config("Deleted", "blog:v1")]);
  const after = task("Added", "blog", [added("Driver", "docker"), added("User", "1000")], [config("Added", "blog:v2")]);
  const side = task("Edited", "side", [edited("User", "1", "2")]);
  expect(paired(job([], [before, side, after])).groups[0]?.tasks).toEqual([
    side,
    task(
      "Edited",
      "server → blog",
      [added("User", "1000")],
      [object("Edited", "Config", [edited("image", "blog:v1", "blog:v2")])],
    ),
  ]);
});
