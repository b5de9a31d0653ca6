import type { Clock } from "../../../src/shared/clock.ts";

/** What a cluster is made of, as tests name it. */
export type Service = "nomad" | "consul" | "fabio";

export type ControlVerb = "start" | "stop" | "kill";

/** Which programs are there, as they call themselves. */
export type Versions = Readonly<Record<Service, string>>;

/** A site that an app may be deployed from. */
export interface Site {
  app: string;
  number: number;
  files: Readonly<Record<string, string>>;
}

export interface Visit {
  status: number;
  body: string;
}

/** Nomad, Consul and Fabio, real or recorded, with a registry beside them. A test does the same with both. */
export interface Cluster extends AsyncDisposable {
  readonly kind: "real" | "recorded";
  readonly versions: Versions;
  /** `http://127.0.0.1:PORT` of the APIs. */
  readonly addresses: Readonly<Record<Service, string>>;
  /** Of all that asks this cluster: a recorded one has a time of its own. */
  readonly clock: Clock;
  /** `127.0.0.1:PORT`, for the names of images. */
  readonly registry: string;
  /** Pushes a site on the base `steppe/static` to the repository `registry/APP`; resolves with its digest. */
  publish(site: Site): Promise<string>;
  /** Asks Fabio as a visitor does, on a new connection. */
  visit(host: string, path: string): Promise<Visit>;
  /** Whether services can be stopped and started. */
  readonly controllable: boolean;
  /** Stops a service, has it die, or starts it and waits until it answers. What runs in containers goes on. */
  control(verb: ControlVerb, service: Service): Promise<void>;
}
