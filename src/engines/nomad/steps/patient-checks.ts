import type { AppDefinition } from "../../../config/index.ts";
import type { Check } from "../../../consul/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { JobInstance } from "../cluster/job-view.ts";
import { checkFailure, expected } from "../failure/check-failure.ts";
import type { InstanceFailure } from "../failure/instance-failure.ts";
import { taskCause } from "../failure/task-cause.ts";

/** As long as the check asks once more: one wrong answer may be that of a program that has only half begun. */
const CONFIRM_MS = 1000;

/**
 * When a check that is critical is a failure: if its answer is wrong, and still is a second later. A program that does not answer yet, or says that it is not ready, has as
 * long as Nomad gives it.
 */
export class PatientChecks {
  readonly #check: AppDefinition["check"];
  readonly #clock: Clock;
  /** Since when each instance answers wrong, and what. */
  readonly #wrong = new Map<string, { since: number; cause: string }>();
  /** What an instance that does not answer was last said to do. */
  readonly #last = new Map<string, string>();

  constructor(check: AppDefinition["check"], clock: Clock) {
    this.#check = check;
    this.#clock = clock;
  }

  /**
   * @param critical the critical checks of the instance
   * @param answer what came when it was asked, if that was wrong: "GET / answered 404"
   */
  failureOf(instance: JobInstance, critical: readonly Check[], answer?: string): InstanceFailure | undefined {
    const { id, health } = instance;
    const failures = critical.map((check) => checkFailure(check, this.#check)).filter((one) => one !== undefined);
    if (answer !== undefined)
      failures.unshift({ cause: `${answer}, expected ${expected(this.#check)}`, isAnswer: true });
    const [first] = failures;
    if (first !== undefined) this.#last.set(id, first.cause);
    // Nomad has waited as long as it was told to.
    if (health?.healthy === false)
      return downFailure(instance) ?? failed(first?.cause ?? this.#last.get(id) ?? "it did not become healthy in time");
    const wrong = failures.find(({ isAnswer }) => isAnswer);
    if (wrong === undefined) {
      this.#wrong.delete(id);
      return undefined;
    }
    const now = this.#clock.monotonic();
    const { since } = this.#wrong.get(id) ?? { since: now };
    this.#wrong.set(id, { since, cause: wrong.cause });
    return now - since >= CONFIRM_MS ? failed(wrong.cause) : undefined;
  }

  /** How long until one of them is a failure, if nothing changes. */
  nextMs(): number {
    const now = this.#clock.monotonic();
    const left = [...this.#wrong.values()].map(({ since }) => Math.max(0, since + CONFIRM_MS - now));
    return Math.min(Infinity, ...left);
  }
}

/** A program that is down answers no check: its end says more than what was last heard of it. */
function downFailure(instance: JobInstance): InstanceFailure | undefined {
  const isDown = Object.values(instance.tasks).some(({ state }) => state !== "running");
  const cause = isDown ? taskCause(instance) : undefined;
  return cause === undefined ? undefined : { code: "INSTANCE_FAILED", cause };
}

function failed(cause: string): InstanceFailure {
  return { code: "CHECK_FAILED", cause };
}
