import { resolve } from "node:path";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { upUsage as usage } from "./up-usage.ts";
import { readRegistry } from "../shared/image-name.ts";
import { nearest } from "../shared/nearest.ts";
import { withoutSecrets } from "../shared/without-secrets.ts";
import { type ClusterOptions, clusterOptions, readClusterOptions } from "./cluster-options.ts";
import { parseHostName } from "./domain.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** What runs the apps. */
export const engines = ["local", "nomad"] as const;
export type EngineName = (typeof engines)[number];

/** What `steppe up` was asked for, defaults filled in. */
export interface UpOptions {
  /** The data folder, absolute. */
  data: string;
  engine: EngineName;
  cluster: ClusterOptions;
  /** The ingress's listeners. */
  http: ListenAddress;
  https: ListenAddress;
  api: ListenAddress;
  /** The listener for webhooks. */
  webhooks: ListenAddress;
  /** In its place while apps have `compatible.webhook`: in a job of Nomad, the port that it was given; null if it is in none, or was told where to listen. */
  webhooksInJob: ListenAddress | null;
  /** How senders of webhooks reach that, where a proxy leads there: `https://hooks.example.com`; or null. */
  webhooksUrl: string | null;
  /** The host name under which the API, git and the listener for webhooks are reachable by HTTPS through the ingress, or null. */
  host: string | null;
  /** Registries that are spoken to by plain HTTP, as references name them, besides those on this machine's loopback. */
  insecureRegistries: string[];
  /** How many ingress processes; null is one for each core. */
  workers: number | null;
  /** A `steppe.yaml` that is applied at start, absolute, or null. */
  config: string | null;
  /** Whether the example app is deployed. */
  example: boolean;
  /** Whether events are printed as JSON, one a line. */
  json: boolean;
  /** The least grave lines that are logged; null is `info`, and `warn` on a terminal. */
  logLevel: LogLevel | null;
  /** An archive to restore into the data folder, absolute, in place of starting. For `steppe restore`, and not in the help. */
  restore: string | null;
  /** Whether ingress processes that run without control are ended, in place of starting. For the launcher, and not in the help. */
  stop: boolean;
  /** With `restore`: whether a folder that holds data may be replaced. */
  force: boolean;
}

export interface UpOption {
  name: string;
  /** What stands for its value in the help; a flag has none. */
  value?: string;
  description: string;
  /** Its default as text; also what is parsed when it is not given. */
  fallback?: string;
  /** The environment's variable that stands in for it. */
  variable?: string;
  hidden?: boolean;
  /** Whether it may be given several times. */
  isList?: boolean;
  /** The engine that it means something with, if not with each. */
  engine?: EngineName;
  /** With the other engine: what to do in place of giving it. */
  instead?: string;
}

const FABIO_SERVES = "On a cluster visitors connect to Fabio, which has options of its own.";

/** The options of `steppe up`: the one table for parsing and for the help. */
export const upOptions: readonly UpOption[] = [
  { name: "data", value: "DIR", description: "the data folder", fallback: "./.steppe", variable: "STEPPE_DATA" },
  {
    name: "engine",
    value: "NAME",
    description: "what runs the apps: `local`, this machine, or `nomad`, a cluster",
    fallback: "local",
    variable: "STEPPE_ENGINE",
  },
  {
    name: "http",
    value: "HOST:PORT",
    description: "where sites are served by HTTP",
    fallback: "127.0.0.1:8080",
    engine: "local",
    instead: FABIO_SERVES,
  },
  {
    name: "https",
    value: "HOST:PORT",
    description: "where sites are served by HTTPS",
    fallback: "127.0.0.1:8443",
    engine: "local",
    instead: FABIO_SERVES,
  },
  { name: "api", value: "HOST:PORT", description: "where the API and git are served", fallback: "127.0.0.1:7070" },
  {
    name: "webhooks",
    value: "HOST:PORT",
    description: "where deliveries of webhooks are received, once there is a webhook",
    fallback: "127.0.0.1:7071",
  },
  { name: "webhooks-url", value: "URL", description: "how senders reach that, if a proxy leads there" },
  {
    name: "host",
    value: "NAME",
    description: "a host name for the API, git and webhooks, by HTTPS through the ingress",
    engine: "local",
    instead:
      "There is no ingress: say with `--api` and `--webhooks` where to listen, and with `--webhooks-url` what a proxy of yours makes of that.",
  },
  {
    name: "insecure-registry",
    value: "HOST",
    description: "a registry of images that is spoken to by plain HTTP; several times for more",
    isList: true,
  },
  {
    name: "workers",
    value: "N",
    description: "how many ingress processes (default: one for each core)",
    engine: "local",
    instead: FABIO_SERVES,
  },
  ...clusterOptions,
  { name: "config", value: "FILE", description: "a steppe.yaml to apply at start" },
  {
    name: "example",
    description: "deploy the example app, hello",
    engine: "local",
    instead: "On a cluster an app wants an `image`: add one of yours, see docs/nomad.md.",
  },
  { name: "json", description: "print one JSON line for each event" },
  {
    name: "log-level",
    value: "LEVEL",
    description: `one of ${logLevels.join(", ")} (default: info; on a terminal, warn)`,
  },
  { name: "restore", value: "FILE", description: "restore this archive and end", hidden: true },
  { name: "stop", description: "end an ingress that runs by itself, and end", hidden: true },
  { name: "force", description: "restore also into a folder that holds data", hidden: true },
];

const MOST_WORKERS = 256;

/**
 * Reads the arguments of `steppe up`, without `up` itself. Throws USAGE with the option, and with the nearest known one for one
 * that is not known.
 */
export function parseUpOptions(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): UpOptions {
  const given = readArguments(args);
  const text = (name: string): string | undefined => {
    const option = upOptions.find((candidate) => candidate.name === name);
    const value = given[name];
    if (typeof value === "string" && value !== "") return value;
    if (value === "") throw usage(`--${name} is empty`);
    const fromEnvironment = option?.variable === undefined ? undefined : env[option.variable];
    return fromEnvironment !== undefined && fromEnvironment !== "" ? fromEnvironment : option?.fallback;
  };
  const path = (name: string): string | null => {
    const value = text(name);
    return value === undefined ? null : resolve(cwd, value);
  };
  const address = (name: string): ListenAddress => {
    const parsed = parseListenAddress(text(name) ?? "");
    if ("problem" in parsed) throw usage(`--${name} ${JSON.stringify(text(name))} ${parsed.problem}`);
    return parsed.value;
  };
  const engine = readEngine(text("engine"));
  refuseOthers(engine, given);
  const options: UpOptions = {
    data: path("data") ?? cwd,
    engine,
    cluster: readClusterOptions(given, cwd),
    http: address("http"),
    https: address("https"),
    api: address("api"),
    webhooks: address("webhooks"),
    webhooksInJob: given["webhooks"] === undefined ? jobAddress(env["NOMAD_PORT_http"]) : null,
    webhooksUrl: readUrl(text("webhooks-url")),
    host: readHost(text("host")),
    insecureRegistries: readRegistries(given["insecure-registry"]),
    workers: readWorkers(text("workers")),
    config: path("config"),
    example: given["example"] === true,
    json: given["json"] === true,
    logLevel: readLevel(text("log-level")),
    restore: path("restore"),
    stop: given["stop"] === true,
    force: given["force"] === true,
  };
  refuseSameAddress(options);
  return options;
}

function readArguments(args: readonly string[]): Record<string, string | boolean | undefined> {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    upOptions.map(({ name, value, isList = false }) => {
      return [name, { type: value === undefined ? "boolean" : "string", multiple: isList } as const];
    }),
  );
  const { tokens, values } = parseArgs({ args: [...args], options: config, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw usage(`unexpected argument ${JSON.stringify(token.value)}`);
    checkOption(token.name, token.rawName, token.value, token.inlineValue);
  }
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
  );
}

function checkOption(name: string, rawName: string, value: string | undefined, inline: boolean | undefined): void {
  const option = upOptions.find((candidate) => candidate.name === name);
  if (option === undefined || !rawName.startsWith("--")) {
    const meant = nearest(
      name,
      upOptions.filter(({ hidden }) => hidden !== true).map((known) => known.name),
    );
    throw usage(
      `unknown option ${JSON.stringify(rawName)}`,
      meant === undefined ? undefined : `Did you mean --${meant}? See \`steppe up --help\`.`,
    );
  }
  if (option.value === undefined) {
    if (value !== undefined) throw usage(`--${name} takes no value`);
  } else if (value === undefined || (inline !== true && value.startsWith("--"))) {
    throw usage(`--${name} wants a value: --${name} ${option.value}`);
  }
}

function readEngine(text: string | undefined): EngineName {
  const engine = engines.find((candidate) => candidate === text);
  if (engine !== undefined) return engine;
  throw usage(`--engine ${JSON.stringify(text)} is none of ${engines.join(", ")}`);
}

/** What has no meaning with the engine would mislead whoever gives it. */
function refuseOthers(engine: EngineName, given: Record<string, unknown>): void {
  const other = upOptions.find(
    (option) => option.engine !== undefined && option.engine !== engine && option.name in given,
  );
  if (other === undefined) return;
  const hint = other.instead ?? `It is of \`--engine ${other.engine}\`.`;
  throw usage(`--${other.name} means nothing with --engine ${engine}`, hint);
}

/** Nomad's checks come from outside of the task, so it is on all of its addresses. */
function jobAddress(port: string | undefined): ListenAddress | null {
  if (port === undefined || !/^[0-9]{1,5}$/.test(port)) return null;
  const parsed = parseListenAddress(`:${port}`);
  return "value" in parsed ? parsed.value : null;
}

function readHost(text: string | undefined): string | null {
  if (text === undefined) return null;
  const parsed = parseHostName(text);
  if ("problem" in parsed) throw usage(`--host ${JSON.stringify(text)} ${parsed.problem}`);
  return parsed.value;
}

function readUrl(text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.parse(text);
  const isPlain = url !== null && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  throw usage(`--webhooks-url ${JSON.stringify(withoutSecrets(text))} is no address like https://hooks.example.com`);
}

function readRegistries(text: string | boolean | undefined): string[] {
  if (typeof text !== "string") return [];
  return text.split(",").map((name) => {
    const registry = readRegistry(name);
    if ("value" in registry) return registry.value;
    throw usage(`--insecure-registry ${JSON.stringify(name)}: ${registry.problem}`);
  });
}

function readWorkers(text: string | undefined): number | null {
  if (text === undefined) return null;
  const workers = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (workers >= 1 && workers <= MOST_WORKERS) return workers;
  throw usage(`--workers ${JSON.stringify(text)} is no number from 1 to ${MOST_WORKERS}`);
}

function readLevel(text: string | undefined): LogLevel | null {
  if (text === undefined) return null;
  const level = logLevels.find((candidate) => candidate === text);
  if (level !== undefined) return level;
  throw usage(`--log-level ${JSON.stringify(text)} is none of ${logLevels.join(", ")}`);
}

function refuseSameAddress(options: UpOptions): void {
  const seen = new Map<string, string>();
  const names = ["http", "https", "api", "webhooks"] as const;
  for (const name of options.engine === "local" ? names : names.slice(2)) {
    const { host, port } = options[name];
    const key = `${host}:${port}`;
    const other = seen.get(key);
    if (port !== 0 && other !== undefined) throw usage(`--${name} has the same address as --${other}: ${key}`);
    seen.set(key, name);
  }
}
