import type { AppDefinition } from "./app-definition.ts";
import type { DefinitionOptions } from "./definition-from-options.ts";
import type { Config } from "./parse-config.ts";

export type { AppDefinition, DockerfileDefinition } from "./app-definition.ts";
export type { CompatibleDefinition } from "./compatible-definition.ts";
export { defaults } from "./defaults.ts";
export type { ConstraintDefinition, NomadFragment, RunDefinition } from "./run-definition.ts";
export type { DefinitionOptions } from "./definition-from-options.ts";
export { diffDefinitions } from "./diff-definitions.ts";
export { readJobFiles } from "./job-file.ts";
export { parseHostName } from "./domain.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export { matchGlob } from "./glob.ts";
export { formatListenAddress, type ListenAddress, parseListenAddress } from "./listen-address.ts";
export {
  ownTag,
  selectTag,
  type SelectOptions,
  stripRelease,
  type TagCandidate,
  type TagChoice,
} from "./select-tag.ts";
export { parseWindow, type Window } from "./window.ts";
export type { Config } from "./parse-config.ts";
export { type EngineName, type UpOptions, parseUpOptions, upOptions } from "./up-options.ts";

// zod and yaml take some 10 MB and 80 ms together, so they are loaded only when something is parsed.

/** See `parse-config.ts`: reads a `steppe.yaml`. Rejects with CONFIG_INVALID. */
export async function parseConfig(text: string, filename: string): Promise<Config> {
  return (await import("./parse-config.ts")).parseConfig(text, filename);
}

/** See `parse-definition.ts`: checks untrusted JSON. Rejects with CONFIG_INVALID, DOMAIN_INVALID. */
export async function parseDefinition(json: unknown): Promise<AppDefinition> {
  return (await import("./parse-definition.ts")).parseDefinition(json);
}

/** See `definition-from-options.ts`. Rejects with USAGE, DOMAIN_INVALID. */
export async function definitionFromOptions(name: string, options: DefinitionOptions): Promise<AppDefinition> {
  return (await import("./definition-from-options.ts")).definitionFromOptions(name, options);
}

/** See `add-to-config.ts`: the text of a `steppe.yaml` with one more app. Rejects with CONFIG_INVALID, APP_EXISTS. */
export async function addToConfig(text: string, definition: AppDefinition, filename: string): Promise<string> {
  return (await import("./add-to-config.ts")).addToConfig(text, definition, filename);
}

/** See `to-yaml.ts`: an app as an entry of `steppe.yaml`. */
export async function toYaml(definition: AppDefinition): Promise<string> {
  return (await import("./to-yaml.ts")).toYaml(definition);
}
