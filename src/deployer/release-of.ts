import type { ReleaseSpec } from "../engines/engine.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppTable, ReleaseTable } from "../store/index.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { releaseSpec } from "./release-spec.ts";
import type { Deployment } from "./types.ts";

type Stored = Pick<DeployerDependencies, "store">;

/** The release that serves an app by the store's word. */
export function liveSpec(app: string, { store }: Stored): ReleaseSpec | undefined {
  const number = new AppTable(store).get(app)?.liveRelease ?? null;
  const release = number === null ? undefined : new ReleaseTable(store).get(app, number);
  return release && releaseSpec(release);
}

/** The release of a deployment. Throws RELEASE_NOT_FOUND. */
export function releaseOf(deployment: Deployment, { store }: Stored): ReleaseSpec {
  const release = new ReleaseTable(store).get(deployment.app, deployment.release ?? 0);
  if (release === undefined) throw releaseGone(deployment.app, deployment.release ?? 0);
  return releaseSpec(release);
}

/** That a release was cleared away. */
export function releaseGone(app: string, number: number): SteppeError {
  return new SteppeError("RELEASE_NOT_FOUND", {
    operation: "deploy",
    subject: `${app} release ${number}`,
    cause: "it is not kept any more",
  });
}
