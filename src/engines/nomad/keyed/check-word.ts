import type { ServiceHealth } from "../../../consul/index.ts";
import { oneLine } from "../../../shared/one-line.ts";
import { isOfAny } from "../steps/served-instances.ts";

/** What Consul's checks say of an instance. */
export interface CheckWord {
  isPassing: boolean;
  /** Of what does not pass, what the check said; else why nothing is known yet. */
  text: string;
}

const PASSING: CheckWord = { isPassing: true, text: "its checks pass" };

/**
 * What the checks of an instance's services come to, those of its node among them.
 *
 * @param id of the allocation
 * @param services the names of its services that have checks
 */
export function checkWord(id: string, services: readonly string[], health: readonly ServiceHealth[]): CheckWord {
  const own = health.filter((one) => isOfAny(one, [id]));
  for (const name of services) {
    const found = own.filter(({ instance }) => instance.name === name);
    if (found.length === 0) return { isPassing: false, text: `${name} is not registered in Consul` };
    for (const { checks, status } of found) {
      if (status === "passing") continue;
      const bad = checks.find((check) => check.status !== "passing") ?? checks[0];
      const output = oneLine(bad?.output ?? "");
      const said = output === "" ? `the check ${bad?.name ?? name} has not answered` : output;
      return { isPassing: false, text: said };
    }
  }
  return PASSING;
}
