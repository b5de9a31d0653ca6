import type { AppDefinition } from "./app-definition.ts";
import type { Problem } from "./problems.ts";

/** Of two apps whose jobs take their tags from one key, each would write the other's over. */
export function keysTwice(apps: readonly AppDefinition[]): Problem[] {
  const seen = new Map<string, string>();
  return apps.flatMap(({ name, compatible }): Problem[] => {
    if (compatible === null) return [];
    const first = seen.get(compatible.key);
    if (first === undefined) {
      seen.set(compatible.key, name);
      return [];
    }
    const message = `writes the key \`${compatible.key}\`, which the app \`${first}\` writes already; give one of them another \`key\``;
    return [{ path: ["apps", name, "compatible"], atKey: true, message, other: ["apps", first, "compatible"] }];
  });
}
