import type { AppDefinition, DockerfileDefinition } from "./app-definition.ts";
import { formatDuration } from "./duration.ts";
import type { RunDefinition } from "./run-definition.ts";

/**
 * The fields in which two definitions of an app differ, one text each, by the names of `steppe.yaml`:
 * `domains: blog.test → blog.example.com`. Empty if they are the same. The order within lists counts.
 *
 * Of variables, build arguments and secrets only the names are told.
 */
export function diffDefinitions(before: AppDefinition, after: AppDefinition): string[] {
  const old = flatten(before);
  const changes: string[] = [];
  for (const [field, value] of flatten(after)) {
    const was = old.get(field);
    if (was?.exact === value.exact) continue;
    changes.push(`${field}: ${was?.shown ?? "none"} → ${value.shown}`);
  }
  return changes;
}

interface Shown {
  /** To compare. */
  exact: string;
  /** To show. */
  shown: string;
}

function flatten(definition: AppDefinition): Map<string, Shown> {
  const { build, check, cacheControl, compatible, image, job, policy } = definition;
  return new Map<string, Shown>([
    ["name", text(definition.name)],
    ["domains", list(definition.domains)],
    ["repository", text(definition.repository && withoutPassword(definition.repository), definition.repository)],
    ["poll", time(definition.pollMs)],
    ["tags", list(definition.tags)],
    ["branches", list(definition.branches)],
    ["folder", text(definition.folder)],
    ["build.command", text(build && JSON.stringify(shorten(build.command)), build?.command)],
    ["build.output", text(build?.output)],
    ["build.env", names(build?.env ?? {})],
    ["build.cache", list(build?.cache ?? [])],
    ["build.timeout", build === null ? text(null) : time(build.timeoutMs)],
    ...flattenDockerfile(definition.dockerfile),
    ["image.repository", text(image?.repository)],
    ["image.site", text(image?.site)],
    ["semver", text(policy.semver)],
    ["approve", text(String(policy.approve))],
    ["windows", list(policy.windows)],
    ["check.path", text(check.path)],
    ["check.status", text(formatStatus(check.status))],
    ["check.contains", text(check.contains && JSON.stringify(shorten(check.contains)), check.contains)],
    ["check.timeout", time(check.timeoutMs)],
    ...flattenRun(definition.run),
    ...(["job", "group", "task", "service"] as const).map((part): [string, Shown] => [
      `nomad.${part}`,
      names(definition.nomad[part]),
    ]),
    ["job", text(job && `${job.trimEnd().split("\n").length} lines`, job)],
    ["compatible.job", text(compatible?.job)],
    ["compatible.key", text(compatible?.key)],
    ["compatible.service", text(compatible?.service)],
    ["compatible.webhook", text(compatible?.webhook)],
    ["compatible.minHealthyTime", compatible === null ? text(null) : time(compatible.minHealthyMs)],
    ["compatible.healthyDeadline", compatible === null ? text(null) : time(compatible.healthyDeadlineMs)],
    ["redirectToHttps", text(String(definition.redirectToHttps))],
    ["notFoundPage", text(definition.notFoundPage)],
    ["cleanUrls", text(String(definition.cleanUrls))],
    ["fallback", text(definition.fallback)],
    ["cacheControl.changing", text(cacheControl.changing)],
    ["cacheControl.hashed", text(cacheControl.hashed)],
    ["grace", time(definition.graceMs)],
    ["keepReleases", text(String(definition.keepReleases))],
  ]);
}

function flattenDockerfile(dockerfile: DockerfileDefinition | null): Array<[string, Shown]> {
  const own = dockerfile?.auto === true ? null : dockerfile;
  return [
    ["dockerfile", own === dockerfile ? text(own?.file, own && `./${own.file}`) : text("auto")],
    ["dockerfile.context", text(own?.context)],
    ["dockerfile.target", text(own?.target)],
    ["dockerfile.args", names(own?.args ?? {})],
    ["dockerfile.secrets", names(own?.secrets ?? {})],
    ["dockerfile.platform", text(own?.platform)],
    ["dockerfile.timeout", own === null ? text(null) : time(own.timeoutMs)],
  ];
}

function flattenRun(run: RunDefinition): Array<[string, Shown]> {
  const constraints = run.constraints.map(({ attribute, operator, value }) =>
    [attribute, operator, value].filter((word) => word !== null).join(" "),
  );
  return [
    ["run.driver", text(run.driver)],
    ["run.command", text(run.command && JSON.stringify(shorten(run.command)), run.command)],
    ["run.args", list(run.args)],
    ["run.port", text(run.port?.toString())],
    ["run.count", text(String(run.count))],
    ["run.cpu", text(String(run.cpu))],
    ["run.memory", text(String(run.memory))],
    ["run.memoryMax", text(run.memoryMax?.toString())],
    ["run.metrics", text(run.metrics)],
    ["run.env", names(run.env)],
    ["run.constraints", { exact: JSON.stringify(run.constraints), shown: listed(constraints) }],
    ["run.spread", list(run.spread)],
    ["run.promote", text(run.promote)],
    ["run.minHealthyTime", time(run.minHealthyMs)],
    ["run.healthyDeadline", time(run.healthyDeadlineMs)],
    ["run.shutdownDelay", time(run.shutdownDelayMs)],
  ];
}

/** `[200, 399]` as `200-399`, `[200, 200]` as `200`. */
export function formatStatus([first, last]: readonly [number, number]): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function text(shown: string | null | undefined, exact: string | null | undefined = shown): Shown {
  return { exact: exact ?? "", shown: shown ?? "none" };
}

function time(milliseconds: number): Shown {
  return text(formatDuration(milliseconds));
}

function list(values: readonly string[]): Shown {
  return { exact: JSON.stringify(values), shown: listed(values) };
}

function listed(values: readonly string[]): string {
  if (values.length === 0) return "none";
  return values.length > 10 ? `${values.slice(0, 10).join(", ")} and ${values.length - 10} more` : values.join(", ");
}

function names(values: Readonly<Record<string, unknown>>): Shown {
  const sorted = Object.keys(values).sort();
  return { exact: JSON.stringify(sorted.map((name) => [name, values[name]])), shown: listed(sorted) };
}

function shorten(value: string): string {
  return value.length > 60 ? `${value.slice(0, 59)}…` : value;
}

/** An address may hold a password or token: it is not for every log. */
function withoutPassword(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/@]*@/i, "$1:…@");
}
