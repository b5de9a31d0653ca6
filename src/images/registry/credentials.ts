/** What proves to a registry who asks. */
export type Credentials =
  | { username: string; password: string }
  /** A refresh token of the registry's token server, as `docker login` keeps it. */
  | { identityToken: string };

/**
 * Finds the credentials for a registry (`docker.io`, `ghcr.io`, `localhost:5000`); undefined if there are none.
 * Throws REGISTRY_DENIED if they are there and cannot be had.
 */
export type CredentialSource = (registry: string, signal?: AbortSignal) => Promise<Credentials | undefined>;
