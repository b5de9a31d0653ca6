import type { AppDefinition } from "../config/index.ts";
import type { EngineContext, Instance, ReleaseSpec } from "../engines/engine.ts";
import { SteppeError } from "../shared/errors.ts";
import type { DeployEngine } from "./dependencies.ts";

/** An engine that keeps instances in memory, and fails where a test wants it to. */
export class FakeEngine implements DeployEngine {
  readonly name = "local";
  readonly calls: string[] = [];
  readonly placed = new Map<string, Set<number>>();
  readonly routed = new Map<string, ReleaseSpec>();
  unhealthy: (release: ReleaseSpec) => boolean = () => false;
  /** What it says of the next release that it places. */
  notes: readonly string[] = [];
  /** Whose canaries wait for a person, and what lets them go on. */
  readonly canaries = new Map<string, PromiseWithResolvers<void>>();
  /** Called at the beginning of each call and may throw: a crash, or trouble. */
  trouble: (call: string) => Promise<void> | void = () => {};

  validate(definition: AppDefinition): void {
    if (definition.name === "refused") {
      throw new SteppeError("DRIVER_MISSING", { operation: "add", subject: "refused", cause: "no driver" });
    }
  }

  async place(release: ReleaseSpec, context: EngineContext): Promise<void> {
    await this.#call("place", release);
    for (const note of this.notes) context.note(note);
    this.notes = [];
    this.#placedOf(release.app).add(release.number);
  }

  async awaitHealthy(release: ReleaseSpec): Promise<void> {
    await this.#call("awaitHealthy", release);
    if (this.unhealthy(release)) {
      throw new SteppeError("CHECK_FAILED", { operation: "check", subject: release.app, cause: "GET / answered 404" });
    }
  }

  async route(release: ReleaseSpec, context: EngineContext): Promise<void> {
    await this.#call("route", release);
    if (release.definition.run.promote === "manual" && this.routed.has(release.app))
      await this.#promoted(release, context);
    this.#placedOf(release.app).add(release.number);
    this.routed.set(release.app, release);
    await this.trouble("after route");
  }

  /** In a hurry, what served before goes on to end by itself. */
  async retire(release: ReleaseSpec, { signal, hurry }: EngineContext): Promise<void> {
    const retired = this.#call("retire", release).then(() => {
      this.placed.set(release.app, new Set([release.number]));
    });
    await until(signal, Promise.race([retired, aborted(hurry)]));
  }

  async abandon(release: ReleaseSpec, signal?: AbortSignal): Promise<void> {
    await until(signal, this.#call("abandon", release));
    if (this.routed.get(release.app)?.number !== release.number) this.#placedOf(release.app).delete(release.number);
  }

  async remove(app: string, signal?: AbortSignal): Promise<void> {
    await until(signal, Promise.resolve(this.trouble("remove")));
    this.placed.delete(app);
    this.routed.delete(app);
  }

  async instances(): Promise<Instance[]> {
    return [...this.placed].flatMap(([app, numbers]) =>
      [...numbers].map((release) => ({ app, release, routed: this.routed.get(app)?.number === release })),
    );
  }

  async retain(_app: string, _releases: readonly ReleaseSpec[]): Promise<void> {}

  async purge(app: string): Promise<void> {
    this.calls.push(`purge ${app}`);
  }

  async refresh(releases: readonly ReleaseSpec[]): Promise<void> {
    for (const release of releases) await this.#call("refresh", release);
  }

  async promote(app: string): Promise<void> {
    this.calls.push(`promote ${app}`);
    await this.trouble("promote");
    this.canaries.get(app)?.resolve();
  }

  async #promoted({ app, number }: ReleaseSpec, { signal, awaitsPromotion }: EngineContext): Promise<void> {
    if (this.routed.get(app)?.number === number) return;
    const canaries = Promise.withResolvers<void>();
    this.canaries.set(app, canaries);
    signal.addEventListener("abort", () => canaries.reject(signal.reason as Error), { once: true });
    awaitsPromotion(true);
    await canaries.promise;
    awaitsPromotion(false);
  }

  #placedOf(app: string): Set<number> {
    const placed = this.placed.get(app) ?? new Set();
    this.placed.set(app, placed);
    return placed;
  }

  async #call(name: string, release: ReleaseSpec): Promise<void> {
    this.calls.push(`${name} ${release.app} ${release.number}`);
    await this.trouble(name);
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** What work comes to, or the reason of the signal if that is sooner. */
async function until(signal: AbortSignal | undefined, work: Promise<void>): Promise<void> {
  signal?.throwIfAborted();
  const end = Promise.withResolvers<void>();
  signal?.addEventListener("abort", () => end.reject(signal.reason as Error), { once: true });
  await Promise.race([work, end.promise]);
}
