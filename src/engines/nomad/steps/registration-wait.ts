import type { ServiceHealth } from "../../../consul/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { isOfAny, isWell, type Unfound } from "./served-instances.ts";

/** Consul's agent hears of an instance within a second, and of one that it lost when it was restarted within half a minute; on a node with a thousand services it has taken more than a minute. */
const PATIENCE_MS = 180_000;
/** A look that came after a longer time than this was held up: by an agent that did not answer, or a machine that slept. */
const MOST_LOOK_MS = 5000;

const UNREGISTERED_HINT =
  "On that node see whether Consul's agent runs (`consul members`), and what the log of Nomad's client says of it: it registers services with the agent that its `consul` block names. Or Steppe's token for Consul may not read it: `steppe cluster doctor`.";

/**
 * Bounds how long Consul is waited for to have what Nomad calls healthy: its word comes a moment after Nomad's, or not at all where the agent of a node does not do what it should. Time in
 * which Consul or Nomad do not answer does not count: a step that is taken again after that has another of these.
 */
export class RegistrationWait {
  readonly #release: ReleaseSpec;
  readonly #clock: Clock;
  /** For how long each has been waited for, milliseconds, by instance and service. */
  readonly #waited = new Map<string, number>();
  #lookedAt: number | undefined;

  constructor(release: ReleaseSpec, clock: Clock) {
    this.#release = release;
    this.#clock = clock;
  }

  /**
   * Takes note of a look at Consul. Throws CHECK_FAILED if one of these has been missing for three minutes.
   *
   * @param unfound of the instances that Nomad calls healthy
   * @param registered all that Consul has of their services
   */
  look(unfound: readonly Unfound[], registered: readonly ServiceHealth[]): void {
    const now = this.#clock.monotonic();
    const passed = Math.min(now - (this.#lookedAt ?? now), MOST_LOOK_MS);
    this.#lookedAt = now;
    const before = new Map(this.#waited);
    this.#waited.clear();
    for (const one of unfound) {
      const key = `${one.instance.id} ${one.service}`;
      const known = before.get(key);
      const waited = known === undefined ? 0 : known + passed;
      this.#waited.set(key, waited);
      if (waited >= PATIENCE_MS) throw this.#failed(one, registered);
    }
  }

  #failed({ instance, service }: Unfound, registered: readonly ServiceHealth[]): SteppeError {
    const { app, number } = this.#release;
    const { id, nodeName, nodeId } = instance;
    const there = registered.find((one) => one.instance.name === service && isOfAny(one, [id]));
    const subject = `${app}, release ${number}`;
    const after = `${PATIENCE_MS / 1000} s after Nomad called it healthy`;
    const cause = `the instance ${id.slice(0, 8)} on the node ${nodeName || nodeId} ${whatIsWrong(there, service)} ${after}`;
    const hint = there !== undefined && !isWell(there) ? undefined : UNREGISTERED_HINT;
    return new SteppeError("CHECK_FAILED", { operation: "check", subject, cause, hint });
  }
}

function whatIsWrong(there: ServiceHealth | undefined, service: string): string {
  if (there === undefined) return `is still not in Consul as the service ${service}`;
  return isWell(there)
    ? `still has no routes in Consul as the service ${service}`
    : `still does not pass its checks in Consul as the service ${service}`;
}
