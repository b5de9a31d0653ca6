import type { ApiCall } from "./client-transport.ts";
import type { AdoptionView, AdoptRequest, Deployment, DoctorReport, DriftView, PlanView } from "./types.ts";

/** What there is on a cluster only: all of it rejects with CLUSTER_MISSING if the server has none. A part of SteppeClient. */
export class ClusterClient {
  readonly #json: (call: ApiCall) => Promise<unknown>;

  /** @param json makes a call, and resolves with its JSON */
  constructor(json: (call: ApiCall) => Promise<unknown>) {
    this.#json = json;
  }

  /** Lets a deployment take over whose canaries are healthy and wait for a person. */
  async promote(app: string, deployment?: number): Promise<Deployment> {
    const json = deployment === undefined ? {} : { deployment };
    return (await this.#json({ method: "POST", path: `${pathOf(app)}/promote`, json })) as Deployment;
  }

  /** Ends a deployment whose canaries wait for a person. */
  async rejectCanaries(app: string, deployment?: number): Promise<Deployment> {
    const json = deployment === undefined ? {} : { deployment };
    return (await this.#json({ method: "POST", path: `${pathOf(app)}/reject-canaries`, json })) as Deployment;
  }

  /** What a deployment would change: of the definition as it is now, of a kept release, or with another image. */
  async plan(app: string, what: { release?: number; image?: string } = {}, signal?: AbortSignal): Promise<PlanView> {
    const query = new URLSearchParams(Object.entries(what).map(([key, value]) => [key, String(value)]));
    const path = `${pathOf(app)}/plan${query.size === 0 ? "" : `?${query.toString()}`}`;
    return (await this.#json({ method: "GET", path, signal })) as PlanView;
  }

  /** What somebody else changed in the app's job; null if nobody did. */
  async drift(app: string): Promise<DriftView | null> {
    return (await this.#json({ method: "GET", path: `${pathOf(app)}/drift` })) as DriftView | null;
  }

  /** Lets the app's next deployment overwrite what somebody else changed; resolves with what that is. */
  async overwriteDrift(app: string): Promise<DriftView | null> {
    return (await this.#json({ method: "POST", path: `${pathOf(app)}/drift/overwrite` })) as DriftView | null;
  }

  /** Of all apps whose job somebody else changed. */
  async drifts(): Promise<DriftView[]> {
    return (await this.#json({ method: "GET", path: "/v1/cluster/drift" })) as DriftView[];
  }

  async doctor(signal?: AbortSignal): Promise<DoctorReport> {
    return (await this.#json({ method: "GET", path: "/v1/cluster/doctor", signal })) as DoctorReport;
  }

  /** A job of Nomad as an app. */
  async adopt(json: AdoptRequest): Promise<AdoptionView> {
    return (await this.#json({ method: "POST", path: "/v1/cluster/adopt", json })) as AdoptionView;
  }
}

function pathOf(app: string): string {
  return `/v1/apps/${encodeURIComponent(app)}`;
}
