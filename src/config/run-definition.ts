/** How the instances of an app are run on a cluster. The local engine runs none: it serves sites by itself. */
export interface RunDefinition {
  /** What Nomad runs them with. `docker` runs the app's image; `exec` and `java` what the task brings itself. */
  driver: "docker" | "exec" | "java";
  /** The program: of `exec` its path, of `java` its jar; null is the image's own. */
  command: string | null;
  /** Its arguments; none are the image's own. */
  args: string[];
  /** The port that it listens on in its container; null: on that which the variable NOMAD_PORT_http says. */
  port: number | null;
  /** How many instances there are. */
  count: number;
  /** MHz that each instance is sure of. */
  cpu: number;
  /** MB of memory that each instance may use. */
  memory: number;
  /** MB that it may use where the node has memory to spare, or null: no more than `memory`. */
  memoryMax: number | null;
  /** The path of its metrics, by which Prometheus finds them, or null. */
  metrics: string | null;
  env: Record<string, string>;
  /** Where instances may be. */
  constraints: ConstraintDefinition[];
  /** Attributes of nodes, such as `${node.datacenter}`, over whose values instances are spread evenly. */
  spread: string[];
  /** Whether a release goes live as soon as its instances are healthy, or when a person says so. */
  promote: "auto" | "manual";
  /** How long an instance's checks must pass before it counts as healthy, milliseconds. */
  minHealthyMs: number;
  /** How long an instance may take to become healthy, milliseconds. */
  healthyDeadlineMs: number;
  /** How long an instance goes on after visitors are no longer sent to it, milliseconds. */
  shutdownDelayMs: number;
}

/** As in Nomad: https://developer.hashicorp.com/nomad/docs/job-specification/constraint */
export interface ConstraintDefinition {
  /** `${attr.cpu.arch}`; null where the operator wants none. */
  attribute: string | null;
  operator: string;
  value: string | null;
}

/** What the app says to Nomad in Nomad's own words, under the names of its JSON API: put over what Steppe says. */
export interface NomadFragment {
  job: Record<string, unknown>;
  group: Record<string, unknown>;
  task: Record<string, unknown>;
  service: Record<string, unknown>;
}
