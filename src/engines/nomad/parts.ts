import type { Consul } from "../../consul/index.ts";
import type { Nomad } from "../../nomad-api/index.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/log.ts";
import type { NomadJobTable } from "../../store/index.ts";
import type { ClusterWatch } from "./cluster/cluster-watch.ts";
import type { ConsulRoutes } from "./fabio/consul-routes.ts";
import type { FabioViews } from "./fabio/fabio-views.ts";
import type { JobMaker } from "./job/job-maker.ts";
import type { StandIns } from "./steps/stand-ins.ts";
import type { UnplacedApps } from "./steps/unplaced-apps.ts";

/** What the steps of a deployment work with. */
export interface NomadParts {
  nomad: Nomad;
  consul: Consul;
  cluster: ClusterWatch;
  consulRoutes: ConsulRoutes;
  fabio: FabioViews;
  maker: JobMaker;
  standIns: StandIns;
  unplaced: UnplacedApps;
  table: NomadJobTable;
  /** What tags of routes begin with. */
  tagPrefix: string;
  clock: Clock;
  log: Logger;
}
