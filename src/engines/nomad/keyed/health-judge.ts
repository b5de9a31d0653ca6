import type { ServiceHealth } from "../../../consul/index.ts";
import type { KeyedStarts } from "../../../store/index.ts";
import { type JobInstance, isWanted } from "../cluster/job-view.ts";
import { type InstanceFailure, instanceFailure } from "../failure/instance-failure.ts";
import { type CheckWord, checkWord } from "./check-word.ts";
import { isSameStart, isStartedSince, withNewTag } from "./instance-starts.ts";
import type { KeyedGroup, KeyedJob } from "./keyed-job.ts";

export interface JudgeOptions {
  job: KeyedJob;
  /** The instances before the key was written; undefined if it was not: then what runs counts as it is. */
  starts: KeyedStarts | undefined;
  /** What was not even restarted since it was so is good as well: it never had another tag. */
  untouched?: KeyedStarts;
  /** Whether failures are waited out: what fails may have been started before the key was written. Default false. */
  isPatient?: boolean;
  /** How many instances there will be. */
  expected: number;
  /** How long checks must pass, milliseconds. */
  minHealthyMs: number;
}

/** What is there at a moment. */
export interface Sight {
  instances: readonly JobInstance[];
  health: readonly ServiceHealth[];
  /** Of instances that were asked: what they answered that they should not, by their ids. */
  answers: ReadonlyMap<string, string>;
  /** Milliseconds by a clock that never goes back. */
  now: number;
}

/** What is to be said of a job at a moment. */
export type Verdict =
  | { kind: "healthy"; instances: number }
  | ({ kind: "failed" } & InstanceFailure)
  | {
      kind: "waiting";
      /** How many run with the new tag. */
      renewed: number;
      /** What is missing, for people. */
      why: string;
      /** When to look again though nothing happened, milliseconds. */
      againMs: number;
    };

/** What is known of one instance since it was started anew. */
interface Known {
  /** Which start it is of. */
  start: string;
  since: number;
  /** Since when all its checks pass. */
  goodSince: number | undefined;
  /** Since when it is as it should not be, and will hardly become otherwise by itself. */
  badSince: number | undefined;
  hasPassed: boolean;
}

type InstanceState = { kind: "good" } | (Verdict & { kind: "failed" }) | Waiting;

interface Waiting {
  kind: "waiting";
  isRenewed: boolean;
  why: string;
  againMs: number;
}

/** What is wrong is believed when it is so for this long. */
const BAD_MS = 1000;

/**
 * Whether the instances of a job came up with a new tag: each restarted the tasks that read it, and its checks pass for a while; or one of them failed. It remembers what it saw, since
 * Consul does not tell how long something is so, nor whether a check's word is of before the restart.
 */
export class HealthJudge {
  readonly #options: JudgeOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Those instances that run with the new tag, and do not pass their checks: their ids. */
  unwell({ instances, health }: Pick<Sight, "instances" | "health">): string[] {
    const own = this.#own(instances).filter(({ instance, group }) => {
      return isWanted(instance) && this.#late(instance, group) === undefined;
    });
    return own
      .filter(({ instance, group }) => !checkWord(instance.id, group.services, health).isPassing)
      .map(({ instance }) => instance.id);
  }

  judge(sight: Sight): Verdict {
    const { expected } = this.#options;
    const own = this.#own(sight.instances);
    const failure = this.#failureOf(own.map(({ instance }) => instance));
    if (failure !== undefined) return { kind: "failed", ...failure };
    const wanted = own.filter(({ instance }) => isWanted(instance));
    const states = wanted.map(({ instance, group }) => this.#stateOf(instance, group, sight));
    const failed = states.find((state) => state.kind === "failed");
    if (failed !== undefined) return failed;
    const missing = expected - wanted.length;
    const waiting = states.filter((state) => state.kind === "waiting");
    if (waiting.length === 0 && missing <= 0) return { kind: "healthy", instances: states.length };
    return {
      kind: "waiting",
      renewed: states.length - waiting.filter(({ isRenewed }) => !isRenewed).length,
      why: waiting[0]?.why ?? `${missing} of ${expected} instances ${missing === 1 ? "is" : "are"} not placed`,
      againMs: Math.min(...waiting.map(({ againMs }) => againMs), Infinity),
    };
  }

  #own(instances: readonly JobInstance[]): Array<{ instance: JobInstance; group: KeyedGroup }> {
    return instances.flatMap((instance) => {
      const group = this.#options.job.groups.get(instance.group);
      return group === undefined ? [] : [{ instance, group }];
    });
  }

  /** What its node tells of one that came to no good with the new tag. A node that was lost has nothing to do with a tag. */
  #failureOf(instances: readonly JobInstance[]): InstanceFailure | undefined {
    const { starts, isPatient = false } = this.#options;
    if (starts === undefined || isPatient) return undefined;
    for (const instance of instances) {
      if (instance.desiredStatus !== "run" || instance.clientStatus === "lost") continue;
      const since = withNewTag(starts, instance);
      const failure = since && instanceFailure(since);
      if (failure !== undefined) return { ...failure, cause: `${labelOf(instance)}: ${failure.cause}` };
    }
    return undefined;
  }

  /** The first task of an instance that does not run with the new tag yet. */
  #late(instance: JobInstance, group: KeyedGroup): string | undefined {
    const { starts = {}, untouched = {} } = this.#options;
    return [...group.tasks].find((name) => {
      const task = instance.tasks[name];
      return !isStartedSince(starts, instance.id, name, task) && !isSameStart(untouched, instance.id, name, task);
    });
  }

  #stateOf(instance: JobInstance, group: KeyedGroup, { health, answers, now }: Sight): InstanceState {
    const late = this.#late(instance, group);
    if (late !== undefined) {
      this.#known.delete(instance.id);
      const why = `${labelOf(instance)}: ${lateness(instance, late)}`;
      return { kind: "waiting", isRenewed: false, why, againMs: Infinity };
    }
    const word = checkWord(instance.id, group.services, health);
    const answer = answers.get(instance.id);
    const known = this.#take(instance, group, word, answer, now);
    const text = `${labelOf(instance)}: ${answer ?? word.text}`;
    return this.#pass(known, group, text, now);
  }

  #take(instance: JobInstance, group: KeyedGroup, word: CheckWord, answer: string | undefined, now: number): Known {
    const start = [...group.tasks].map((name) => instance.tasks[name]?.startedAt).join();
    let known = this.#known.get(instance.id);
    if (known?.start !== start) {
      known = { start, since: now, goodSince: undefined, badSince: undefined, hasPassed: false };
      this.#known.set(instance.id, known);
    }
    known.goodSince = word.isPassing ? (known.goodSince ?? now) : undefined;
    const isBad = !word.isPassing && (answer !== undefined || known.hasPassed);
    known.badSince = isBad ? (known.badSince ?? now) : undefined;
    known.hasPassed ||= word.isPassing && now - known.since >= this.#settleMs(group);
    return known;
  }

  #pass(known: Known, group: KeyedGroup, text: string, now: number): InstanceState {
    const { starts, minHealthyMs, isPatient = false } = this.#options;
    if (!isPatient && known.badSince !== undefined && now - known.badSince >= BAD_MS) {
      return { kind: "failed", code: "CHECK_FAILED", cause: text };
    }
    // What was not restarted has been as it is for long enough.
    const settleMs = this.#settleMs(group);
    const neededMs = starts === undefined ? 0 : Math.max(minHealthyMs, settleMs);
    if (known.goodSince !== undefined && now - known.goodSince >= neededMs) return { kind: "good" };
    const ends = [
      known.since + settleMs,
      (known.goodSince ?? Infinity) + neededMs,
      (known.badSince ?? Infinity) + BAD_MS,
    ].filter((end) => end > now);
    return { kind: "waiting", isRenewed: true, why: text, againMs: Math.min(...ends) - now };
  }

  /** How long a check may tell of what was before a restart. */
  #settleMs({ settleMs }: KeyedGroup): number {
    return this.#options.starts === undefined ? 0 : settleMs;
  }
}

function labelOf({ name, id }: JobInstance): string {
  return name === "" ? id : name;
}

/** Why a task does not run with the new tag yet. */
function lateness({ tasks }: JobInstance, name: string): string {
  const task = tasks[name];
  if (task?.state === "running") return `${name} has not been restarted`;
  const last = task?.events.at(-1);
  return last === undefined || last.message === "" ? `${name} has not started` : `${name}: ${last.message}`;
}

/** How many instances there will be: as many as there were, or as the job says if there was none. */
export function expectedOf({ groups, isSystem }: KeyedJob, instances: readonly JobInstance[]): number {
  let expected = 0;
  for (const [name, { count }] of groups) {
    const running = instances.filter((instance) => instance.group === name && isWanted(instance)).length;
    expected += isSystem ? Math.max(1, running) : running === 0 ? count : Math.min(count, running);
  }
  return expected;
}
