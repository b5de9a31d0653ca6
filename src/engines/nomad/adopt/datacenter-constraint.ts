import type { ConstraintDefinition } from "../../../config/index.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";

const ATTRIBUTE = "${node.datacenter}";

/**
 * What keeps a job in its datacenters where Steppe's are more: a fragment can only add to those. Undefined if nothing has to.
 *
 * @param datacenters of Steppe
 */
export function datacenterConstraint(
  { Datacenters }: JobSpec,
  datacenters: readonly string[],
): ConstraintDefinition | undefined {
  const own = Datacenters ?? [];
  // Since Nomad 1.5 a `*` in it is any text.
  const names = own.map((name) => name.replaceAll(/[^\w*-]/g, "\\$&").replaceAll("*", ".*"));
  const value = `^(${names.join("|")})$`;
  if (own.length === 0 || datacenters.every((name) => new RegExp(value).test(name))) return undefined;
  const [only = ""] = own;
  const isPlain = own.length === 1 && !only.includes("*");
  return isPlain
    ? { attribute: ATTRIBUTE, operator: "=", value: only }
    : { attribute: ATTRIBUTE, operator: "regexp", value };
}
