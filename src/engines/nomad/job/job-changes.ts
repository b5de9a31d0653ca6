import type { FieldDiff, GroupDiff, JobDiff, ObjectDiff, TaskDiff } from "../../../nomad-api/index.ts";

/** Where a field stands: the names of the parts from the job on, `Meta[version]`. */
export type FieldPath = readonly string[];

/**
 * What changes of a job, without what stays: but for an option before a value that changes, which tells what that is.
 *
 * @param isMeant which of the fields that change count; all if not given
 * @returns undefined if nothing changes
 */
export function changesOf(
  diff: JobDiff | undefined,
  isMeant: (path: FieldPath, field: FieldDiff) => boolean = () => true,
): JobDiff | undefined {
  if (diff === undefined) return undefined;
  const groups = diff.groups.flatMap((group) => groupChanges(group, isMeant) ?? []);
  const own = objectChanges(diff, [], isMeant);
  return own === undefined && groups.length === 0 ? undefined : { ...(own ?? bare(diff)), groups };
}

function groupChanges(group: GroupDiff, isMeant: Meant): GroupDiff | undefined {
  const path = [group.name];
  const tasks = group.tasks.flatMap((task) => taskChanges(task, path, isMeant) ?? []);
  const own = objectChanges(group, path, isMeant);
  if (own === undefined && tasks.length === 0) return undefined;
  return { ...(own ?? bare(group)), tasks, updates: group.updates };
}

function taskChanges(task: TaskDiff, path: FieldPath, isMeant: Meant): TaskDiff | undefined {
  const own = objectChanges(task, [...path, task.name], isMeant);
  return own === undefined ? undefined : { ...own, annotations: task.annotations };
}

type Meant = (path: FieldPath, field: FieldDiff) => boolean;

function objectChanges(object: ObjectDiff, path: FieldPath, isMeant: Meant): ObjectDiff | undefined {
  const changed = object.fields.filter((field) => field.type !== "None" && isMeant([...path, field.name], field));
  const fields = object.fields.filter((field) => changed.includes(field) || isOptionOf(field, changed));
  const objects = object.objects.flatMap((inner) => objectChanges(inner, [...path, inner.name], isMeant) ?? []);
  if (fields.length === 0 && objects.length === 0) return undefined;
  return { type: object.type, name: object.name, fields, objects };
}

/** As `--password` of `args` is of the one after it. */
function isOptionOf({ type, name, new: value }: FieldDiff, fields: readonly FieldDiff[]): boolean {
  const [, list = "", at] = /^(.*)\[(\d+)\]$/.exec(name) ?? [];
  if (type !== "None" || at === undefined || !value.startsWith("-")) return false;
  return fields.some((other) => other.name === `${list}[${Number(at) + 1}]`);
}

function bare({ type, name }: ObjectDiff): ObjectDiff {
  return { type, name, fields: [], objects: [] };
}

/** The same change the other way round. What it would bring about is left out: it has been brought about. */
export function reversed(diff: JobDiff): JobDiff {
  const groups = diff.groups.map((group) => ({
    ...reversedObject(group),
    tasks: group.tasks.map((task) => ({ ...reversedObject(task), annotations: [] })),
    updates: {},
  }));
  return { ...reversedObject(diff), groups };
}

function reversedObject({ type, name, fields, objects }: ObjectDiff): ObjectDiff {
  return {
    type: reversedType(type),
    name,
    fields: fields.map((field) => ({
      ...field,
      type: reversedType(field.type),
      old: field.new,
      new: field.old,
      annotations: [],
    })),
    objects: objects.map(reversedObject),
  };
}

function reversedType(type: ObjectDiff["type"]): ObjectDiff["type"] {
  return type === "Added" ? "Deleted" : type === "Deleted" ? "Added" : type;
}
