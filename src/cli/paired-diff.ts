import type { FieldDiff, JobDiff, ObjectDiff, TaskDiff } from "../api/types.ts";

/** What Go writes for a field that nobody gave. */
const UNSAID = new Set(["", "false", "0"]);

/**
 * A difference as a person reads it: Nomad has a check, or a task under another name, as one that is taken away and one that is added; where there is one of each, it is told as one that changes.
 * Of what is added or taken away, what nobody said is left out.
 */
export function paired(diff: JobDiff): JobDiff {
  const groups = diff.groups.map((group) => ({
    ...pairedParts(group),
    tasks: pairedTasks(group.tasks),
    updates: group.updates,
  }));
  return { ...pairedParts(diff), groups };
}

function pairedParts({ type, name, fields, objects }: ObjectDiff): ObjectDiff {
  const isSaid = ({ old, new: now }: FieldDiff): boolean => !UNSAID.has(type === "Added" ? now : old);
  const isWhole = type === "Added" || type === "Deleted";
  return {
    type,
    name,
    fields: isWhole ? fields.filter(isSaid) : fields,
    objects: pairUp(objects, joined).map(pairedParts),
  };
}

function pairedTasks(tasks: readonly TaskDiff[]): TaskDiff[] {
  const renamed = tasks.filter(({ type }) => type === "Added" || type === "Deleted");
  const others = tasks.filter((task) => !renamed.includes(task));
  const all = [
    ...others,
    ...pairUp(
      renamed,
      (before, after) => {
        const name = before.name === after.name ? after.name : `${before.name} → ${after.name}`;
        return { ...joined(before, after), name, annotations: after.annotations };
      },
      () => "task",
    ),
  ];
  return all.map((task) => ({ ...pairedParts(task), annotations: task.annotations }));
}

/** Those of which one was taken away and one added, and no more of their name, as one. */
function pairUp<Part extends ObjectDiff>(
  parts: readonly Part[],
  join: (before: Part, after: Part) => Part,
  nameOf: (part: Part) => string = ({ name }) => name,
): Part[] {
  const left = [...parts];
  for (const name of new Set(parts.map(nameOf))) {
    const same = left.filter((part) => nameOf(part) === name);
    const before = same.find(({ type }) => type === "Deleted");
    const after = same.find(({ type }) => type === "Added");
    if (same.length !== 2 || before === undefined || after === undefined) continue;
    left.splice(left.indexOf(before), 1);
    left[left.indexOf(after)] = join(before, after);
  }
  return left;
}

function joined<Part extends ObjectDiff>(before: Part, after: Part): Part {
  const old = new Map(before.fields.map((field) => [field.name, field.old]));
  const now = new Map(after.fields.map((field) => [field.name, field.new]));
  const names = [...new Set([...now.keys(), ...old.keys()])];
  const fields = names.flatMap((name) => fieldOf(name, old.get(name) ?? "", now.get(name) ?? ""));
  return { ...after, type: "Edited", fields, objects: pairUp([...before.objects, ...after.objects], joined) };
}

function fieldOf(name: string, old: string, now: string): FieldDiff[] {
  // An option stays: it says what the value after it is.
  if (old === now && now.startsWith("-")) return [{ type: "None", name, old, new: now, annotations: [] }];
  if (old === now || (UNSAID.has(old) && UNSAID.has(now))) return [];
  const type = old === "" ? "Added" : now === "" ? "Deleted" : "Edited";
  return [{ type, name, old, new: now, annotations: [] }];
}
