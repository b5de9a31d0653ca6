import type { Fields } from "../shared/json/fields.ts";
import { ShapeError } from "../shared/json/shape-error.ts";
import { type Counts, readCounts } from "./counts.ts";

const DIFF_TYPES = ["Added", "Deleted", "Edited", "None"] as const;

/** `None` is what stays; it comes along so that a change can be shown where it stands. */
export type DiffType = (typeof DIFF_TYPES)[number];

export interface FieldDiff {
  type: DiffType;
  /** `Count`, `Meta[version]`, … */
  name: string;
  old: string;
  new: string;
  /** What it brings about: `forces create/destroy update`. */
  annotations: string[];
}

export interface ObjectDiff {
  type: DiffType;
  /** `Update`, `Service`, … */
  name: string;
  fields: FieldDiff[];
  objects: ObjectDiff[];
}

export interface TaskDiff extends ObjectDiff {
  annotations: string[];
}

export interface GroupDiff extends ObjectDiff {
  tasks: TaskDiff[];
  /** How many instances: `canary`, `create`, `in-place update`, `create/destroy update`, `ignore`, … */
  updates: Counts;
}

/** How a job differs from the one before, as Nomad sees it. */
export interface JobDiff extends ObjectDiff {
  groups: GroupDiff[];
}

/** Throws ShapeError. */
export function readJobDiff(fields: Fields): JobDiff {
  return { ...readObject(fields, "ID"), groups: fields.objects("TaskGroups").map(readGroup) };
}

function readGroup(fields: Fields): GroupDiff {
  return {
    ...readObject(fields),
    tasks: fields.objects("Tasks").map(readTask),
    updates: readCounts(fields, "Updates"),
  };
}

function readTask(fields: Fields): TaskDiff {
  return { ...readObject(fields), annotations: fields.texts("Annotations") };
}

function readObject(fields: Fields, name = "Name"): ObjectDiff {
  return {
    type: readType(fields),
    name: fields.text(name),
    fields: fields.objects("Fields").map(readField),
    objects: fields.objects("Objects").map((object) => readObject(object)),
  };
}

function readField(fields: Fields): FieldDiff {
  return {
    type: readType(fields),
    name: fields.text("Name"),
    old: fields.optionalText("Old") ?? "",
    new: fields.optionalText("New") ?? "",
    annotations: fields.texts("Annotations"),
  };
}

function readType(fields: Fields): DiffType {
  const text = fields.text("Type");
  const type = DIFF_TYPES.find((known) => known === text);
  if (type === undefined) throw new ShapeError(fields.at("Type"), DIFF_TYPES.join(" or "), text);
  return type;
}
