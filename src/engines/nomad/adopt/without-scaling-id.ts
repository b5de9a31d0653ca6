import type { GroupSpec } from "../../../nomad-api/index.ts";

/** What the servers write into the scaling of a group: which of theirs it is. */
const SERVERS_OWN = new Set(["CreateIndex", "ID", "ModifyIndex", "Target"]);

/** A group whose scaling is as its user wrote it. */
export function withoutScalingId(group: GroupSpec): GroupSpec {
  const { Scaling } = group;
  if (typeof Scaling !== "object" || Scaling === null) return group;
  const said = Object.entries(Scaling).filter(([key]) => !SERVERS_OWN.has(key));
  return { ...group, Scaling: Object.fromEntries(said) };
}
