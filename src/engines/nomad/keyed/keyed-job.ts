import type { CompatibleDefinition } from "../../../config/index.ts";
import {
  type CheckSpec,
  type GroupSpec,
  type Job,
  type JobSpec,
  milliseconds,
  type ServiceSpec,
  type TaskSpec,
  type TemplateSpec,
} from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { servicesOf } from "../job/services-of.ts";

/** What of a user's own job has to do with the key that its image's tag is in. */
export interface KeyedJob {
  id: string;
  spec: JobSpec;
  /** Whether it has an instance on each node, however many these are. */
  isSystem: boolean;
  /** Those of its groups that have a task that reads the key, by name. */
  groups: ReadonlyMap<string, KeyedGroup>;
}

export interface KeyedGroup {
  count: number;
  /** The tasks that read the key. */
  tasks: ReadonlySet<string>;
  /** Its services in Consul that have checks. */
  services: readonly string[];
  /** How long after a restart a check may still tell of what was before, milliseconds. */
  settleMs: number;
}

const RUNNING_TYPES: ReadonlySet<string> = new Set(["service", "system"]);

/**
 * Reads a user's own job. Throws CONFIG_INVALID if a tag that is written into the key would do nothing, or what came of it could not be seen: no template reads it, its task is not
 * restarted, it is no job that goes on running.
 */
export function readKeyedJob(job: Job, { key, service }: CompatibleDefinition): KeyedJob {
  const refuse = (cause: string, hint: string): SteppeError =>
    new SteppeError("CONFIG_INVALID", { operation: "deploy by the key of", subject: `job ${job.id}`, cause, hint });
  if (!RUNNING_TYPES.has(job.type)) {
    throw refuse(
      `it is of the type ${job.type}`,
      "Only jobs that go on running, of the types service and system, can be.",
    );
  }
  const readers = readersOf(job.spec, key);
  if (readers.length === 0) {
    throw refuse(
      `no template of it reads ${key}`,
      `Give one of its tasks a template with {{ key ${JSON.stringify(key)} }}.`,
    );
  }
  const still = readers.find(({ template }) => (template.ChangeMode ?? "restart") !== "restart");
  if (still !== undefined) {
    const cause = `the template of its task ${still.task.Name} has the change_mode ${String(still.template.ChangeMode)}`;
    throw refuse(cause, "With `restart` a task takes up a new tag.");
  }
  const groups = new Map<string, KeyedGroup>();
  for (const { group } of readers) {
    const names = service === null ? checkedServices(job.spec, group) : [service];
    const unknown = names.find((name) => name.includes("${"));
    if (unknown !== undefined) {
      throw refuse(
        `its service is named ${unknown}, by what only its node knows`,
        "Say the name by `compatible.service`.",
      );
    }
    groups.set(group.Name, {
      count: group.Count ?? 1,
      tasks: new Set(readers.filter((one) => one.group === group).map(({ task }) => task.Name)),
      services: names,
      settleMs: Math.max(0, ...checksOf(group).map(settleOf)),
    });
  }
  return { id: job.id, spec: job.spec, isSystem: job.type === "system", groups };
}

interface Reader {
  group: GroupSpec;
  task: TaskSpec;
  template: TemplateSpec;
}

/** The templates that name the key; if none does, those that may put its name together, or that come from a file which nobody but the node sees. */
function readersOf(spec: JobSpec, key: string): Reader[] {
  const all = (spec.TaskGroups ?? []).flatMap((group) =>
    (group.Tasks ?? [])
      .filter(goesOn)
      .flatMap((task) => (task.Templates ?? []).map((template): Reader => ({ group, task, template }))),
  );
  const textOf = ({ template }: Reader): string => template.EmbeddedTmpl ?? "";
  const names = (text: string): boolean => [`"${key}"`, `\`${key}\``, `"${key}@`].some((name) => text.includes(name));
  const named = all.filter((reader) => names(textOf(reader)));
  if (named.length > 0) return named;
  return all.filter((reader) => textOf(reader) === "" || /\{\{[^}]*\bkey(OrDefault)?\b/.test(textOf(reader)));
}

/** Whether a task runs as long as its instance: not one that does something before or after. */
function goesOn({ Lifecycle: lifecycle }: TaskSpec): boolean {
  return typeof lifecycle !== "object" || lifecycle === null || ("Sidecar" in lifecycle && lifecycle.Sidecar === true);
}

function checkedServices(spec: JobSpec, group: GroupSpec): string[] {
  const only = (services: readonly ServiceSpec[] | null | undefined): ServiceSpec[] =>
    (services ?? []).filter(({ Checks }) => (Checks ?? []).length > 0);
  const tasks = group.Tasks?.map((task) => ({ ...task, Services: only(task.Services) }));
  const checked = { ...group, Services: only(group.Services), Tasks: tasks };
  return servicesOf({ ...spec, TaskGroups: [checked] }).map(({ name }) => name);
}

function checksOf(group: GroupSpec): CheckSpec[] {
  const services = [...(group.Services ?? []), ...(group.Tasks ?? []).flatMap(({ Services }) => Services ?? [])];
  return services.flatMap(({ Checks }) => Checks ?? []);
}

/** A check that began just before may yet tell of the old; what it tells counts only after so many failures. */
function settleOf({ Interval, Timeout, FailuresBeforeCritical }: CheckSpec): number {
  const ms = (duration: CheckSpec["Interval"]): number => (duration ? milliseconds(duration) : 0);
  const failures = typeof FailuresBeforeCritical === "number" ? FailuresBeforeCritical : 0;
  return ms(Interval) * (failures + 1) + ms(Timeout);
}
