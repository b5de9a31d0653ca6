import { crc32 } from "node:zlib";
import { SteppeError } from "../../shared/errors.ts";
import {
  type CertificateEntry,
  type GraceRelease,
  type ProxyTarget,
  type Route,
  type SiteRelease,
  type SiteState,
  type Snapshot,
  SNAPSHOT_VERSION,
} from "./snapshot.ts";

const APP = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const HOST = /^(?:\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]{0,252}))$/;
const INDEX_FILE = /^[a-z0-9-]{1,63}\/[0-9]+-[0-9a-f]+\.site$/;
/** A plain file name: no folder, not hidden. */
const CERTIFICATE_FILE = /^[A-Za-z0-9_][\w.@-]{0,250}$/;

/** Whether a route can have this host: a lower-case name, `*.` and a name, or `*`. */
export function isRouteHost(host: string): boolean {
  return HOST.test(host) && !host.includes("..") && !host.endsWith(".");
}

/** The form of a snapshot on disk: one JSON object whose last field is the check sum of all before it. */
export function encodeSnapshot(snapshot: Snapshot): string {
  const { generation, sites, routes, certificates, defaultCertificate } = snapshot;
  const plain = {
    version: SNAPSHOT_VERSION,
    generation,
    sites: [...sites],
    routes: [...routes],
    certificates,
    defaultCertificate,
  };
  const body = JSON.stringify(plain).slice(0, -1);
  return `${body},"crc32":${crc32(body)}}\n`;
}

/**
 * Reads a snapshot. Everything is checked, since it decides which files of this machine are sent to strangers.
 * Throws CONTENT_CORRUPT, naming the field.
 *
 * @param subject what to call it in an error: the file's path
 */
export function parseSnapshot(text: string, subject: string): Snapshot {
  try {
    const end = text.lastIndexOf(',"crc32":');
    const sum = /^,"crc32":(\d+)\}\s*$/.exec(text.slice(Math.max(0, end)))?.[1];
    if (end === -1 || sum === undefined) throw new Invalid("it is not whole");
    if (crc32(text.slice(0, end)) !== Number(sum)) throw new Invalid("its check sum is wrong");
    const root = object(JSON.parse(text), "the snapshot");
    if (root["version"] !== SNAPSHOT_VERSION) throw new Invalid(`its version is ${String(root["version"])}`);
    const snapshot: Snapshot = {
      generation: count(root["generation"], "generation"),
      sites: entries(root["sites"], "sites", (name) => APP.test(name), site),
      routes: entries(root["routes"], "routes", isRouteHost, route),
      certificates: list(root["certificates"], "certificates", certificate),
      defaultCertificate:
        root["defaultCertificate"] === null
          ? null
          : matching(root["defaultCertificate"], CERTIFICATE_FILE, "defaultCertificate"),
    };
    for (const [host, to] of snapshot.routes) {
      if (to.kind === "site" && !snapshot.sites.has(to.app)) throw new Invalid(`routes.${host} names no site`);
    }
    return snapshot;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject, cause }, { cause: error });
  }
}

class Invalid extends Error {}

function site(value: unknown, where: string): SiteState {
  const { current, staged, grace } = object(value, where);
  return {
    current: current === null ? null : siteRelease(current, `${where}.current`),
    staged: list(staged, `${where}.staged`, siteRelease),
    grace: list(grace, `${where}.grace`, graceRelease),
  };
}

function siteRelease(value: unknown, where: string): SiteRelease {
  const { release, index } = object(value, where);
  return { release: count(release, `${where}.release`), index: matching(index, INDEX_FILE, `${where}.index`) };
}

function graceRelease(value: unknown, where: string): GraceRelease {
  const { until } = object(value, where);
  return { ...siteRelease(value, where), until: count(until, `${where}.until`) };
}

function route(value: unknown, where: string): Route {
  const { kind, app, target, webhooks, redirectToHttps } = object(value, where);
  if (typeof redirectToHttps !== "boolean") throw new Invalid(`${where}.redirectToHttps is no boolean`);
  if (kind === "site") return { kind, app: matching(app, APP, `${where}.app`), redirectToHttps };
  if (kind === "control") {
    const more = webhooks === undefined ? {} : { webhooks: proxyTarget(webhooks, `${where}.webhooks`) };
    return { kind, target: proxyTarget(target, `${where}.target`), ...more, redirectToHttps };
  }
  throw new Invalid(`${where}.kind is unknown`);
}

/** Only what is on this machine: the snapshot must not become a way to reach other hosts. */
function proxyTarget(value: unknown, where: string): ProxyTarget {
  const { socketPath, host, port } = object(value, where);
  if (socketPath !== undefined) return { socketPath: matching(socketPath, /^\/[^\0]+$/, `${where}.socketPath`) };
  const name = matching(host, /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/, `${where}.host`);
  const number = count(port, `${where}.port`);
  if (number < 1 || number > 65_535) throw new Invalid(`${where}.port is no port`);
  return { host: name, port: number };
}

function certificate(value: unknown, where: string): CertificateEntry {
  const { domains, file } = object(value, where);
  return {
    domains: list(domains, `${where}.domains`, (domain, at) => matching(domain, HOST, at)),
    file: matching(file, CERTIFICATE_FILE, `${where}.file`),
  };
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Invalid(`${where} is no object`);
  return value as Record<string, unknown>;
}

function list<Item>(value: unknown, where: string, item: (value: unknown, where: string) => Item): Item[] {
  if (!Array.isArray(value)) throw new Invalid(`${where} is no list`);
  return value.map((one, i) => item(one, `${where}[${i}]`));
}

function entries<Item>(
  value: unknown,
  where: string,
  isKey: (key: string) => boolean,
  item: (value: unknown, where: string) => Item,
): Map<string, Item> {
  const pairs = list(value, where, (pair, at): [string, Item] => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Invalid(`${at} is no pair`);
    const [key, content] = pair as [unknown, unknown];
    if (typeof key !== "string" || !isKey(key)) throw new Invalid(`${at} has a bad name`);
    return [key, item(content, `${where}.${key}`)];
  });
  return new Map(pairs);
}

function count(value: unknown, where: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Invalid(`${where} is no number`);
  return value as number;
}

function matching(value: unknown, pattern: RegExp, where: string): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new Invalid(`${where} is not valid`);
  return value;
}
