import { isSecretName } from "../../../shared/secret-name.ts";
import { holdsSecret } from "../../../shared/secret-text.ts";

/** Below these, every value may be one. */
const SECRET_MAPS = new Set(["GetterHeaders"]);

/**
 * Where credentials seem to be, as a person finds them: `Config.auth[0].password`. By their names, and in texts such as templates by what stands before an equals sign or a colon.
 *
 * @param path of the value itself
 */
export function secretPlaces(value: unknown, path = "", name = ""): string[] {
  if (typeof value === "string") return isSecret(name, value) ? [path] : [];
  if (Array.isArray(value)) {
    // `--password`, and behind it what it is.
    const nameOf = (at: number): string => {
      const before: unknown = value[at - 1];
      return typeof before === "string" && before.startsWith("-") ? before : name;
    };
    return value.flatMap((item, at) => secretPlaces(item, `${path}[${at}]`, nameOf(at)));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    return secretPlaces(inner, path === "" ? key : `${path}.${key}`, SECRET_MAPS.has(name) ? "secret" : key);
  });
}

function isSecret(name: string, text: string): boolean {
  if (text === "") return false;
  return (isSecretName(name) && !/^(\$\{|\{\{)/.test(text)) || holdsSecret(text);
}
