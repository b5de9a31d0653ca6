import { expect, test } from "vitest";
import type { FieldDiff, JobDiff, ObjectDiff } from "../../../nomad-api/index.ts";
import { changesOf, reversed } from "./job-changes.ts";

const field = (type: FieldDiff["type"], name: string, old = "", now = ""): FieldDiff => {
  return { type, name, old, new: now, annotations: type === "Edited" ? ["forces create/destroy update"] : [] };
};
const object = (name: string, fields: FieldDiff[], objects: ObjectDiff[] = []): ObjectDiff => {
  return { type: "Edited", name, fields, objects };
};

const diff: JobDiff = {
  ...object("blog", [field("None", "Priority", "50", "50"), field("Added", "Meta[a]", "", "1")]),
  groups: [
    {
      ...object("web", [field("None", "Count", "1", "1")]),
      updates: { ignore: 1 },
      tasks: [
        {
          ...object("web", [], [object("Config", [field("Edited", "image", "v1", "v2"), field("None", "ports[0]")])]),
          annotations: ["forces create/destroy update"],
        },
        { ...object("side", [field("None", "Leader")]), annotations: [] },
      ],
    },
    { ...object("redis", [field("None", "Count")]), type: "None", updates: {}, tasks: [] },
  ],
};

const bareJob: JobDiff = { ...object("blog", []), groups: [] };

test("only what changes is left", () => {
  expect(changesOf(diff)).toEqual({
    ...object("blog", [field("Added", "Meta[a]", "", "1")]),
    groups: [
      {
        ...object("web", []),
        updates: { ignore: 1 },
        tasks: [
          {
            ...object("web", [], [object("Config", [field("Edited", "image", "v1", "v2")])]),
            annotations: ["forces create/destroy update"],
          },
        ],
      },
    ],
  });
});

test("an option before a value that changes comes along: it tells what that is", () => {
  const option = field("None", "args[0]", "--password", "--password");
  const value = field("Edited", "args[1]", "old", "new");
  const others = [field("None", "args[2]", "-v", "-v"), field("None", "args[3]", "web", "web")];
  const told = { ...bareJob, fields: [option, value, ...others, field("None", "ports[0]", "-", "-")] };
  expect(changesOf(told)).toEqual({ ...bareJob, fields: [option, value] });
  expect(changesOf({ ...bareJob, fields: [option, ...others] })).toBeUndefined();
});

test("what does not count is told by where it stands; if nothing else changes, nothing does", () => {
  const paths: string[] = [];
  const isMeant = (path: readonly string[]): boolean => paths.push(path.join(" ")) === 0;
  expect(changesOf(diff, isMeant)).toBeUndefined();
  expect(paths).toEqual(["web web Config image", "Meta[a]"]);
  expect(changesOf(undefined)).toBeUndefined();
});

test("the other way round, what was added was taken away", () => {
  const back = reversed(diff);
  expect(back.fields[1]).toEqual(field("Deleted", "Meta[a]", "1", ""));
  expect(back.groups[0]?.tasks[0]?.objects[0]?.fields[0]).toMatchObject({ type: "Edited", old: "v2", new: "v1" });
  expect(back.groups[0]?.tasks[0]?.annotations).toEqual([]);
  expect(changesOf(reversed(reversed(diff)))?.fields).toEqual(changesOf(diff)?.fields);
});
