/** The names of our images in buildah's storage begin with this; other names there are of base images. */
export const BUILDAH_PREFIX = "localhost/steppe/";

/** The name that the newest image of an app has in buildah's storage. */
export function buildahName(app: string): string {
  return `${BUILDAH_PREFIX}${app}:build`;
}
