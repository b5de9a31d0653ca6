import type { AppDefinition } from "../../../config/index.ts";

type CheckDefinition = AppDefinition["check"];

/**
 * Whether Consul's HTTP check can stand for the app's check: it passes with 200 to 299, follows redirections to what they lead to, and takes everything else for a
 * failure, so an app that may answer 404 would never pass.
 */
export function isHttpForConsul({ status: [lowest, highest] }: CheckDefinition): boolean {
  return lowest >= 200 && lowest <= 299 && highest <= 399;
}

/** Whether Consul's check says all that the app's check wants to know. */
export function isConsulsAlone(check: CheckDefinition): boolean {
  const [lowest, highest] = check.status;
  return isHttpForConsul(check) && lowest === 200 && highest >= 299 && check.contains === null;
}
