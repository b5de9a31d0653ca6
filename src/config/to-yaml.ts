import { Document, isScalar, Scalar, visit } from "yaml";
import type { AppDefinition, DockerfileDefinition } from "./app-definition.ts";
import { type CompatibleDefinition, usualKey } from "./compatible-definition.ts";
import { defaults } from "./defaults.ts";
import { formatStatus } from "./diff-definitions.ts";
import { formatDuration } from "./duration.ts";
import type { NomadFragment, RunDefinition } from "./run-definition.ts";

/**
 * Writes an app as an entry of `steppe.yaml`, defaults left out: `parseConfig` reads it back to the same
 * definition.
 */
export function toYaml(definition: AppDefinition): string {
  const document = new Document({ apps: { [definition.name]: toFields(definition) } }, { version: "1.2" });
  // Unquoted it is a merge key to whoever reads it.
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && key.value === "<<") key.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** The same as data, without its name. */
export function toFields(definition: AppDefinition): Record<string, unknown> {
  const { domains, build, check } = definition;
  const fields: Record<string, unknown> = domains.length === 1 ? { domain: domains[0] } : { domains };

  add(fields, "repository", definition.repository, defaults.repository);
  addTime(fields, "poll", definition.pollMs, defaults.pollMs);
  add(fields, "tags", definition.tags, defaults.tags, oneOrMore(definition.tags));
  add(fields, "branches", definition.branches, defaults.branches, oneOrMore(definition.branches));
  add(fields, "folder", definition.folder, defaults.folder);
  if (build !== null) {
    const part: Record<string, unknown> = { command: build.command };
    add(part, "output", build.output, defaults.build.output);
    add(part, "env", build.env, {});
    add(part, "cache", build.cache, []);
    addTime(part, "timeout", build.timeoutMs, defaults.build.timeoutMs);
    fields["build"] = Object.keys(part).length === 1 ? build.command : part;
  }
  add(fields, "dockerfile", definition.dockerfile, defaults.dockerfile, dockerfileField(definition.dockerfile));
  const { image, policy } = definition;
  add(fields, "image", image, defaults.image, image?.site === null ? image.repository : image);
  add(fields, "semver", policy.semver, defaults.policy.semver);
  add(fields, "approve", policy.approve, defaults.policy.approve);
  add(fields, "windows", policy.windows, defaults.policy.windows, oneOrMore(policy.windows));
  const checks: Record<string, unknown> = {};
  const [first, last] = check.status;
  add(checks, "path", check.path, defaults.check.path);
  add(checks, "status", check.status, defaults.check.status, first === last ? first : formatStatus(check.status));
  add(checks, "contains", check.contains, defaults.check.contains);
  addTime(checks, "timeout", check.timeoutMs, defaults.check.timeoutMs);
  add(fields, "check", checks, {});
  add(fields, "run", runFields(definition.run), {});
  add(fields, "nomad", nomadFields(definition.nomad), {});
  add(fields, "job", definition.job, null);
  if (definition.compatible !== null) fields["compatible"] = compatibleFields(definition.compatible, definition);
  add(fields, "redirectToHttps", definition.redirectToHttps, defaults.redirectToHttps);
  add(fields, "notFoundPage", definition.notFoundPage, defaults.notFoundPage);
  add(fields, "cleanUrls", definition.cleanUrls, defaults.cleanUrls);
  add(fields, "fallback", definition.fallback, defaults.fallback);
  const caching: Record<string, unknown> = {};
  add(caching, "changing", definition.cacheControl.changing, defaults.cacheControl.changing);
  add(caching, "hashed", definition.cacheControl.hashed, defaults.cacheControl.hashed);
  add(fields, "cacheControl", caching, {});
  addTime(fields, "grace", definition.graceMs, defaults.graceMs);
  add(fields, "keepReleases", definition.keepReleases, defaults.keepReleases);
  return fields;
}

function dockerfileField(dockerfile: DockerfileDefinition | null): unknown {
  if (dockerfile === null) return false;
  const usual = defaults.dockerfile;
  const part: Record<string, unknown> = { file: dockerfile.file };
  add(part, "context", dockerfile.context, usual.context);
  add(part, "target", dockerfile.target, usual.target);
  add(part, "args", dockerfile.args, usual.args);
  add(part, "secrets", dockerfile.secrets, usual.secrets);
  add(part, "platform", dockerfile.platform, usual.platform);
  addTime(part, "timeout", dockerfile.timeoutMs, usual.timeoutMs);
  if (Object.keys(part).length > 1) return part;
  // A file of that name, and not the word.
  return dockerfile.file === "auto" ? "./auto" : dockerfile.file;
}

function runFields(run: RunDefinition): Record<string, unknown> {
  const usual = defaults.run;
  const part: Record<string, unknown> = {};
  for (const key of [
    "driver",
    "command",
    "args",
    "port",
    "count",
    "cpu",
    "memory",
    "memoryMax",
    "metrics",
    "env",
  ] as const) {
    add(part, key, run[key], usual[key]);
  }
  const constraints = run.constraints.map(({ attribute, operator, value }) => {
    const constraint: Record<string, unknown> = {};
    add(constraint, "attribute", attribute, null);
    add(constraint, "operator", operator, "=");
    add(constraint, "value", value, null);
    return constraint;
  });
  add(part, "constraints", constraints, usual.constraints);
  add(part, "spread", run.spread, usual.spread, oneOrMore(run.spread));
  add(part, "promote", run.promote, usual.promote);
  addTime(part, "minHealthyTime", run.minHealthyMs, usual.minHealthyMs);
  addTime(part, "healthyDeadline", run.healthyDeadlineMs, usual.healthyDeadlineMs);
  addTime(part, "shutdownDelay", run.shutdownDelayMs, usual.shutdownDelayMs);
  return part;
}

function nomadFields(fragment: NomadFragment): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fragment).filter(([, part]) => Object.keys(part as object).length > 0));
}

function compatibleFields(compatible: CompatibleDefinition, { name, image }: AppDefinition): Record<string, unknown> {
  const usual = defaults.compatible;
  const part: Record<string, unknown> = {};
  add(part, "job", compatible.job, name);
  add(part, "key", compatible.key, usualKey(image?.repository ?? ""));
  add(part, "service", compatible.service, usual.service);
  add(part, "webhook", compatible.webhook, usual.webhook);
  addTime(part, "minHealthyTime", compatible.minHealthyMs, usual.minHealthyMs);
  addTime(part, "healthyDeadline", compatible.healthyDeadlineMs, usual.healthyDeadlineMs);
  return part;
}

/** Adds a field where its value is not the usual one. */
function add(into: Record<string, unknown>, key: string, value: unknown, usual: unknown, shown = value): void {
  if (JSON.stringify(value) !== JSON.stringify(usual)) into[key] = shown;
}

function addTime(into: Record<string, unknown>, key: string, value: number, usual: number): void {
  add(into, key, value, usual, value === 0 ? 0 : formatDuration(value));
}

function oneOrMore(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? (values[0] ?? "") : values;
}
