import type { DeploymentSource } from "../types.ts";

/** Whether an older deployment that waits has nothing left to do once the newer one is live. */
export function replaces(newer: DeploymentSource, older: DeploymentSource): boolean {
  if (newer.kind === "definition") return older.kind === "definition";
  // The changed definition stands even if the newer content turns out bad.
  return older.kind !== "definition" || newer.kind === "rollback";
}

/** The same of an older one that is healthy and waits for a person: whatever is newer has what it would have made live, but for its content. */
export function replacesCanaries(newer: DeploymentSource, older: DeploymentSource): boolean {
  return newer.kind !== "definition" || older.kind === "definition";
}
