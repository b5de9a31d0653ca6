import { type Backoff, backoffDelay } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { type ErrorCode, SteppeError } from "../shared/errors.ts";
import type { AwayHold } from "./policy/hold.ts";
import type { Deployment, DeploymentState } from "./types.ts";

/** What gets better by itself, and in which states a deployment can wait for it: for the cluster as long as there is nothing of it there. */
const PASSING: Record<AwayHold["kind"], { codes: ReadonlySet<ErrorCode>; states: ReadonlySet<DeploymentState> }> = {
  registry: { codes: new Set(["REGISTRY_UNREACHABLE", "REGISTRY_LIMITED"]), states: new Set(["building", "built"]) },
  cluster: {
    codes: new Set(["NOMAD_UNREACHABLE", "NOMAD_LIMITED", "CONSUL_UNREACHABLE", "CONSUL_LIMITED"]),
    states: new Set(["released"]),
  },
};
const KINDS = ["registry", "cluster"] as const;

/** Whether something failed since Nomad or Consul are away. */
export function isClusterAway(error: unknown): boolean {
  return error instanceof SteppeError && PASSING.cluster.codes.has(error.code);
}

/** A registry that is restarted is there again after the first of these; one that is away for longer is asked rarely. */
const AGAIN: Backoff = { first: 15_000, most: 5 * 60_000 };
/** After so long a deployment fails: whoever waits for it has to hear of it. Milliseconds. */
const LONGEST = 24 * 60 * 60_000;

interface Wait {
  kind: AwayHold["kind"];
  /** When it failed for the first time, milliseconds since 1970. */
  since: number;
  failures: number;
  retryAt: number;
  cause: string;
}

/**
 * Deployments that came by themselves and found their registry, or the cluster, away: nobody would ask for them again, since their tags are seen. Not
 * journaled: after a crash they are tried at once, and wait anew.
 */
export class AwayWaits {
  readonly #clock: Clock;
  /** By deployment. */
  readonly #waits = new Map<number, Wait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a deployment that failed is tried again later; from now on it waits until then. */
  begin({ id, byItself, state }: Pick<Deployment, "id" | "byItself" | "state">, error: SteppeError): boolean {
    const now = this.#clock.now();
    const { since = now, failures = 0 } = this.#waits.get(id) ?? {};
    const kind = KINDS.find((one) => PASSING[one].codes.has(error.code) && PASSING[one].states.has(state));
    if (!byItself || kind === undefined || now - since >= LONGEST) return false;
    const told = Math.min(error.retryAfterMs ?? 0, LONGEST);
    const retryAt = now + Math.max(told, backoffDelay(AGAIN, failures + 1));
    this.#waits.set(id, { kind, since, failures: failures + 1, retryAt, cause: error.reason });
    return true;
  }

  /** What a deployment waits for now; null if for nothing. */
  holdOf(id: number): AwayHold | null {
    const wait = this.#waits.get(id);
    if (wait === undefined || wait.retryAt <= this.#clock.now()) return null;
    return { kind: wait.kind, retryAt: wait.retryAt, cause: wait.cause };
  }

  /** It has ended. */
  end(id: number): void {
    this.#waits.delete(id);
  }
}
