import { Later } from "../cluster/job-watch.ts";

/** Consul has what changed some 50 ms after Nomad. */
const FIRST_MS = 50;
/** With many that wait, Consul would be busy with nothing else. */
const MOST_MS = 500;
const GROWTH = 1.25;

/** When to look at Consul again, as long as it does not have what is waited for: ever more rarely. */
export class ConsulLooks {
  #ms = FIRST_MS;

  next(): Later {
    const later = new Later(this.#ms);
    this.#ms = Math.min(this.#ms * GROWTH, MOST_MS);
    return later;
  }
}
