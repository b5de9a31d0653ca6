import type { AppDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppTable, type Store } from "../store/index.ts";

/**
 * Checks that with these definitions in force no two apps write the same key in Consul: each would take the other's tag away. Throws CONFIG_INVALID.
 *
 * @param definitions those that are new or change
 * @param removed apps that are not there any more then
 */
export function assertKeysFree(store: Store, definitions: readonly AppDefinition[], removed: readonly string[]): void {
  const keyed = definitions.filter(({ compatible }) => compatible !== null);
  if (keyed.length === 0) return;
  const gone = new Set([...definitions.map(({ name }) => name), ...removed]);
  const others = new AppTable(store).all().filter(({ name }) => !gone.has(name));
  const writers = new Map<string, string>();
  // That two of these share one, as when nobody asked yet, is not what is to be decided here.
  for (const { name, definition } of others)
    if (definition.compatible !== null) writers.set(definition.compatible.key, name);
  for (const { name, compatible } of keyed) {
    if (compatible === null) continue;
    const writer = writers.get(compatible.key);
    if (writer !== undefined) throw taken(compatible.key, name, writer);
    writers.set(compatible.key, name);
  }
}

function taken(key: string, app: string, writer: string): SteppeError {
  return new SteppeError("CONFIG_INVALID", {
    operation: "give",
    subject: `the key ${key} to the app ${app}`,
    cause: `the app ${writer} writes it already`,
    hint: `Each would take the other's tag away: give one of them another \`compatible.key\`, or remove ${writer} first.`,
  });
}
