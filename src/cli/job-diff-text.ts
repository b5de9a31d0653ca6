import type { FieldDiff, GroupDiff, JobDiff, ObjectDiff, TaskDiff } from "../api/types.ts";
import { formatDuration } from "../config/index.ts";
import { isSecretName } from "../shared/secret-name.ts";
import { holdsSecret } from "../shared/secret-text.ts";
import type { Style } from "../shared/style.ts";
import { paired } from "./paired-diff.ts";

/** Of these, Nomad writes nanoseconds. */
const DURATIONS =
  /^(Delay|Grace|HealthyDeadline|Interval|KillTimeout|MaxDelay|MinHealthyTime|ProgressDeadline|ShutdownDelay|Splay|Stagger|Timeout)$/;
const MOST_CHARACTERS = 100;

/** What changes in a job, a line each as `nomad job plan` has it: what stays is left out. Of variables, templates and whatever else may be a credential, only the names are told. */
export function jobDiffText(diff: JobDiff, style: Style): string {
  return jobLines(paired(diff), style).join("\n");
}

function jobLines(diff: JobDiff, style: Style): string[] {
  const groups = diff.groups.flatMap((group) => groupLines(group, style));
  return [`${mark(diff, style)} job ${style.bold(diff.name)}`, ...indented([...partsOf(diff, style), ...groups])];
}

function groupLines(group: GroupDiff, style: Style): string[] {
  const updates = Object.entries(group.updates).filter(([, count]) => count > 0);
  const inner = [...partsOf(group, style), ...group.tasks.flatMap((task) => taskLines(task, style))];
  if (inner.length === 0 && group.type === "None") return [];
  const told = updates.map(([what, count]) => `${count} ${paintUpdate(what, style)(what)}`).join(", ");
  return [
    `${mark(group, style)} group ${style.bold(group.name)}${told === "" ? "" : `  (${told})`}`,
    ...indented(inner),
  ];
}

function taskLines(task: TaskDiff, style: Style): string[] {
  const inner = partsOf(task, style);
  if (inner.length === 0 && task.type === "None") return [];
  const told = task.annotations.length === 0 ? "" : `  (${style.yellow(task.annotations.join(", "))})`;
  return [`${mark(task, style)} task ${style.bold(task.name)}${told}`, ...indented(inner)];
}

function partsOf({ fields, objects }: ObjectDiff, style: Style): string[] {
  const changed = fields.filter(({ type }) => type !== "None");
  const hidden = fields.filter((field) => isPrivate(field, fields));
  const lines = changed.map((field) => fieldLine(field, hidden.includes(field), style));
  return [...lines, ...objects.flatMap((inner) => objectLines(inner, style))];
}

function objectLines(object: ObjectDiff, style: Style): string[] {
  const inner = partsOf(object, style);
  return inner.length === 0 ? [] : [`${mark(object, style)} ${object.name}`, ...indented(inner)];
}

function fieldLine(field: FieldDiff, isHidden: boolean, style: Style): string {
  const { name, type, annotations } = field;
  const [before, after] = [shown(name, field.old), shown(name, field.new)];
  const value = type === "Added" ? after : type === "Deleted" ? before : `${before} → ${after}`;
  const why = annotations.length === 0 ? "" : `  (${style.yellow(annotations.join(", "))})`;
  return `${mark(field, style)} ${name}${isHidden ? "" : `: ${value}`}${why}`;
}

/** @param fields all of its part: in a list of arguments the one before says what one is, as `--password` does */
function isPrivate({ name, old, new: now }: FieldDiff, fields: readonly FieldDiff[]): boolean {
  if (/^(Env|GetterHeaders)\[|^EmbeddedTmpl$/.test(name) || isSecretName(name)) return true;
  if (name === "image") return false; // what stands before the colon of its tag is the name of a repository
  const [, list = "", at] = /^(.*)\[(\d+)\]$/.exec(name) ?? [];
  const before = at === undefined ? undefined : fields.find((other) => other.name === `${list}[${Number(at) - 1}]`);
  const options = before === undefined ? [] : [before.old, before.new];
  if (options.some((option) => option.startsWith("-") && isSecretName(option))) return true;
  return holdsSecret(old) || holdsSecret(now);
}

function shown(name: string, value: string): string {
  if (DURATIONS.test(name) && /^\d{7,}$/.test(value)) {
    const ms = Number(value) / 1_000_000;
    if (Number.isSafeInteger(ms)) return formatDuration(ms);
  }
  const text = JSON.stringify(value);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

function mark({ type }: Pick<ObjectDiff, "type">, style: Style): string {
  return { Added: style.green("+"), Deleted: style.red("-"), Edited: style.yellow("~"), None: " " }[type];
}

function paintUpdate(what: string, style: Style): (text: string) => string {
  if (/destroy|stop|migrate|evict|preempt/i.test(what)) return style.red;
  if (/create|place|canary/i.test(what)) return style.green;
  return /update/i.test(what) ? style.yellow : style.dim;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
