import type { ConstraintDefinition } from "../../../config/index.ts";
import type { ConstraintSpec, GroupSpec } from "../../../nomad-api/index.ts";

/** Nomad's other names of an operator, and the shortest. */
const SHORTEST: Readonly<Record<string, string>> = { "==": "=", is: "=", "": "=", not: "!=" };

/** A constraint in the words of `run.constraints`. */
export function constraintDefinition({ LTarget, Operand, RTarget }: ConstraintSpec): ConstraintDefinition {
  const operator = Operand ?? "";
  const blank = (text: string | null | undefined): string | null => (text === undefined || text === "" ? null : text);
  return { attribute: blank(LTarget), operator: SHORTEST[operator] ?? operator, value: blank(RTarget) };
}

/** Those that Nomad puts by itself onto a group that uses Consul, Vault or signals; it does so again. */
const IMPLIED = /^\$\{attr\.(consul\.version|vault\.version|nomad\.service_discovery|os\.signals)\}$/;

/** What a group's constraints say that its user said. */
export function ownConstraints({ Constraints }: GroupSpec): ConstraintSpec[] {
  return (Constraints ?? []).filter(({ LTarget }) => !IMPLIED.test(LTarget ?? ""));
}
