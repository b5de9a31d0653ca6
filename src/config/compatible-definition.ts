/**
 * That an app is a job of the user's own on Nomad, whose template reads the image's tag from a key in Consul: a deployment writes the tag, and Nomad
 * restarts the job's tasks.
 */
export interface CompatibleDefinition {
  /** The job's id. */
  job: string;
  /** The key: `configs/team/blog/IMAGE_TAG`. */
  key: string;
  /** The name of its service in Consul, or null: the names that the job says. */
  service: string | null;
  /** The path at which Docker Hub's webhooks are received that prove nothing, `/blog`, or null. */
  webhook: string | null;
  /** How long an instance's checks must pass before it counts as healthy, milliseconds. */
  minHealthyMs: number;
  /** How long all of its instances may take to restart and become healthy, milliseconds. */
  healthyDeadlineMs: number;
}

/** The key that a job reads which is as they usually were: `docker.io/team/blog` is `configs/team/blog/IMAGE_TAG`. */
export function usualKey(repository: string): string {
  return `configs/${repository.slice(repository.indexOf("/") + 1)}/IMAGE_TAG`;
}
