import type { Clock } from "../shared/clock.ts";
import type { RegistryClient } from "./registry/registry-client.ts";

/** How registries are reached, by the conventions of `docker`. */
export interface RegistryAccess {
  /** `DOCKER_CONFIG`, `HOME` and `PATH` are read from it, and credential helpers run in it. */
  env: Readonly<Record<string, string>>;
  /** The registries, as references name them, that are spoken to by plain HTTP; besides those on this machine's loopback. */
  insecure: ReadonlySet<string>;
  clock: Clock;
}

/**
 * A client with the user's credentials (`docker login`) and certificates (`/etc/docker/certs.d`), which are read anew for each client. It and all
 * that it needs is loaded when there is first something to ask a registry for.
 */
export async function openRegistryClient({ env, insecure, clock }: RegistryAccess): Promise<RegistryClient> {
  const [{ RegistryClient: Client }, { dockerCredentials }, { dockerSettings }] = await Promise.all([
    import("./registry/registry-client.ts"),
    import("./registry/docker-credentials.ts"),
    import("./registry/docker-settings.ts"),
  ]);
  return new Client({ clock, credentials: dockerCredentials({ env, clock }), settings: dockerSettings(insecure) });
}
