import type { Nomad } from "../../../nomad-api/index.ts";
import type { JobSettings } from "./job-settings.ts";

/** Where nothing is said of it, instances may be in every datacenter that has nodes. */
export async function settingsNow(
  settings: JobSettings,
  nomad: Pick<Nomad, "nodes">,
  signal?: AbortSignal,
): Promise<JobSettings> {
  if (settings.datacenters.length > 0) return settings;
  const { value } = await nomad.nodes.list({ signal });
  const datacenters = [...new Set(value.map(({ datacenter }) => datacenter))].sort();
  return { ...settings, datacenters: datacenters.length === 0 ? ["dc1"] : datacenters };
}
