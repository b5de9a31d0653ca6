/** What is true of the cluster and of all apps on it. */
export interface JobSettings {
  /** Nomad's datacenters that instances may be in. */
  datacenters: readonly string[];
  /** Undefined: that of the agent, or `default`. */
  namespace?: string | undefined;
  /** Undefined: that of the agent. */
  region?: string | undefined;
  /** What Fabio's tags begin with; `urlprefix-` unless it is told otherwise. */
  tagPrefix?: string | undefined;
}
