import type { ServiceHealth, ServiceRegistration } from "../../../consul/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import type { JobService } from "../job/services-of.ts";
import type { FabioViews } from "../fabio/fabio-views.ts";
import { isRouteTag } from "../fabio/read-route-tag.ts";
import type { NomadParts } from "../parts.ts";
import { HANDOVER_KEY } from "./stand-in.ts";
import { routesLeadTo } from "./wanted-routes.ts";

interface HandoverParts extends Pick<NomadParts, "standIns" | "tagPrefix"> {
  fabio: Pick<FabioViews, "settled">;
}

/** Should this process die in between, Consul has it no longer after that. */
const TTL_MS = 30_000;
const FORGET_MS = 60_000;

/**
 * Has visitors sent to healthy canaries before Nomad promotes them, besides those that serve. Nomad's client takes the services of what it stops out of Consul before it
 * puts in the tags of what it promotes: in between, Fabio knows of nobody. So the canaries are registered a second time, under the same name, until that is over.
 *
 * Resolves when every Fabio sends visitors to them. Throws FABIO_STALE if one answers, but does not.
 *
 * @param services those of the release's job
 * @param instances the canaries', as Consul has them
 */
export async function beginHandover(
  parts: HandoverParts,
  release: ReleaseSpec,
  services: readonly JobService[],
  instances: readonly ServiceHealth[],
  { signal, note }: Pick<EngineContext, "signal" | "note">,
): Promise<void> {
  // Fabio notices that there is another check, not that a service has another address: so what a process left that died is not written over.
  await endHandover(parts, release.app, signal);
  const standIns = instances.flatMap((one, at) => standIn(parts, release, services, one, at));
  try {
    await parts.standIns.register(release.app, standIns, signal);
  } catch (error) {
    if (!(error instanceof SteppeError) || error.code !== "CONSUL_DENIED") throw error;
    note(`Consul's token may not register services, so that a request may find nobody at the switch: ${error.reason}`);
    return;
  }
  const wanted = standIns.map(({ name, address, port }) => ({ service: name, address: hostOf(address, port) }));
  const isSettled = routesLeadTo(services, wanted, parts.tagPrefix);
  // A Fabio that has much to do takes longer than they pass for by themselves.
  const unsettled = await parts.standIns.during(release.app, signal, (either) =>
    parts.fabio.settled(isSettled, either),
  );
  for (const { isThere, line } of unsettled) {
    if (isThere) {
      await endHandover(parts, release.app, signal);
      throw stale(release, line);
    }
    note(line);
  }
}

/** Takes away what `beginHandover` registered, also in a process that died. */
export function endHandover(
  { standIns }: Pick<NomadParts, "standIns">,
  app: string,
  signal?: AbortSignal,
): Promise<void> {
  return standIns.remove(app, signal);
}

function standIn(
  { tagPrefix }: HandoverParts,
  { app, number }: ReleaseSpec,
  services: readonly JobService[],
  { instance }: ServiceHealth,
  at: number,
): ServiceRegistration[] {
  const tags =
    services.find(({ name }) => name === instance.name)?.tags.filter((tag) => isRouteTag(tag, tagPrefix)) ?? [];
  if (tags.length === 0) return [];
  const { name, address, port } = instance;
  const meta = { [HANDOVER_KEY]: app, steppe_release: String(number) };
  const check = { kind: { ttlMs: TTL_MS }, status: "passing", deregisterAfterMs: FORGET_MS } as const;
  return [{ id: `steppe-handover-${app}-${number}-${at}`, name, address, port, tags, meta, check }];
}

function hostOf(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function stale({ app, number }: ReleaseSpec, cause: string): SteppeError {
  return new SteppeError("FABIO_STALE", { operation: "route", subject: `${app}, release ${number}`, cause });
}
