import type { Service } from "./cluster.ts";
import type { Asked } from "./cluster-recording.ts";
import type { RecordingDraft } from "./recording-draft.ts";

/** How often it is looked whether a service that was away is there again, milliseconds. */
const LOOK_MS = 50;
/** What a service answers once others can work with it. */
const PATHS = { nomad: "/v1/status/leader", consul: "/v1/status/leader", fabio: "/health" } as const;

/** Writes down from when until when a service answered nobody. */
export class OutageLog {
  readonly #upstreams: Readonly<Record<Service, string>>;
  readonly #draft: RecordingDraft;
  readonly #signal: AbortSignal;
  readonly #away = new Set<Service>();

  constructor(upstreams: Readonly<Record<Service, string>>, draft: RecordingDraft, signal: AbortSignal) {
    this.#upstreams = upstreams;
    this.#draft = draft;
    this.#signal = signal;
  }

  /** Somebody had no answer. */
  begin(asked: Asked): void {
    if (asked === "visitor" || asked === "instance" || this.#away.has(asked) || this.#signal.aborted) return;
    this.#away.add(asked);
    void this.#watch(asked, this.#draft.now());
  }

  async #watch(service: Service, from: number): Promise<void> {
    while (!this.#signal.aborted && !(await this.#isThere(service))) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.#away.delete(service);
    this.#draft.outage(service, from);
  }

  async #isThere(service: Service): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#upstreams[service]}${PATHS[service]}`);
      // Without a leader it is an empty name.
      return (await answer.text()) !== '""' && answer.ok;
    } catch {
      return false; // that it cannot be reached is what was asked
    }
  }
}
