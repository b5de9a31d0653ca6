import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PlatformAddresses } from "../../src/api/types.ts";
import { errno } from "../../src/shared/errors.ts";
import { type CommandResult, runCommand } from "../../src/shared/run-command.ts";
import { type Answer, type GetOptions, httpGet } from "./http-get.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The launcher, as a user calls it. */
export const steppeProgram = fileURLToPath(new URL("../../bin/steppe", import.meta.url));

/** Where a platform is that serves its sites by itself. */
export type LocalAddresses = PlatformAddresses & { http: string; https: string };

/** A line of `steppe up --json`. */
export interface UpEvent {
  event: string;
  [field: string]: unknown;
}

export interface StartOptions {
  /** The data folder; a temporary one, that is removed at the end, if absent. */
  data?: string;
  /** `nomad`: then there is no ingress, and `addresses.http` and `https` are null, whatever their type says. */
  engine?: "nomad";
  /** More arguments of `steppe up`. */
  args?: readonly string[];
  /** More of the environment. */
  env?: Readonly<Record<string, string>>;
  /** Called with each event, as it comes. */
  onEvent?: (event: UpEvent) => void;
  /** Milliseconds until `ready`. Default 60,000: the first start may make the bundles. */
  timeoutMs?: number;
}

/** A platform that runs: `await using steppe = await startSteppe()`. */
export interface RunningSteppe extends AsyncDisposable {
  readonly addresses: LocalAddresses;
  readonly data: string;
  /** The API's token. */
  readonly token: string;
  readonly launcher: ChildProcess;
  readonly events: readonly UpEvent[];
  /** The ids of all its processes that live now, launcher and ingress included. */
  processes(): number[];
  /** Runs `steppe ARGS` as a user on the same machine does; never throws for an exit code. */
  cli(...args: string[]): Promise<CommandResult>;
  /** The same, in a folder: the one with a `steppe.yaml`. */
  cliIn(folder: string, ...args: string[]): Promise<CommandResult>;
  /** Runs `steppe ARGS --json` and parses the answer; throws with what it said if it fails. */
  json(...args: string[]): Promise<unknown>;
  /** Asks the ingress by HTTP. */
  get(options: GetOptions): Promise<Answer>;
  /** Asks the ingress by HTTPS, trusting the local CA. */
  getSecurely(options: GetOptions): Promise<Answer>;
  /** SIGTERM; resolves with the exit code when all of its processes are gone. */
  stop(): Promise<number>;
}

/** Starts `bin/steppe up --json` on free ports and resolves when it is ready. */
export async function startSteppe(options: StartOptions = {}): Promise<RunningSteppe> {
  const folder = options.data === undefined ? temporaryFolder("data") : undefined;
  const data = options.data ?? folder?.path ?? "";
  const events: UpEvent[] = [];
  const listeners = ["api", "webhooks", ...(options.engine === undefined ? ["http", "https"] : [])];
  const free = listeners.flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const engine = options.engine === undefined ? [] : ["--engine", options.engine];
  const launcher = spawn(steppeProgram, ["up", "--json", "--data", data, ...engine, ...free, ...(options.args ?? [])], {
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = new Promise<number>((resolve) => {
    launcher.once("error", () => resolve(127));
    launcher.once("close", (code) => resolve(code ?? 1));
  });
  const stop = async (): Promise<number> => {
    launcher.kill("SIGTERM");
    const force = setTimeout(() => killAll(processesOf(data, launcher.pid)), 20_000);
    const code = await closed;
    clearTimeout(force);
    killAll(processesOf(data, undefined));
    folder?.[Symbol.dispose]();
    return code;
  };
  try {
    const addresses = await readyEvent(launcher, events, options, closed);
    let ca: Promise<string> | undefined;
    const client = commandLine(data, addresses);
    return {
      addresses,
      data,
      launcher,
      events,
      token: readFileSync(`${data}/token`, "utf8").trim(),
      processes: () => processesOf(data, launcher.pid),
      ...client,
      get: (request) => httpGet(addresses.http, request),
      getSecurely: async (request) => {
        ca ??= httpGet(addresses.api, { host: "127.0.0.1", path: "/v1/ca" }).then(({ text }) => text);
        return await httpGet(addresses.https, { ca: await ca, ...request });
      },
      stop,
      [Symbol.asyncDispose]: async () => void (await stop()),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function commandLine(data: string, { api }: PlatformAddresses): Pick<RunningSteppe, "cli" | "cliIn" | "json"> {
  const env = { ...cleanEnvironment(), STEPPE_DATA: data, STEPPE_URL: api };
  const cliIn = (cwd: string, ...args: string[]): Promise<CommandResult> =>
    runCommand({ file: steppeProgram, args, cwd, env });
  const cli = (...args: string[]): Promise<CommandResult> => cliIn(data, ...args);
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await cli(...args, "--json");
    if (code !== 0) throw new Error(`steppe ${args.join(" ")} exited with ${code}: ${stdout.toString()}${stderr}`);
    return JSON.parse(stdout.toString()) as unknown;
  };
  return { cli, cliIn, json };
}

/** Nothing of the caller's own Steppe gets in. */
function cleanEnvironment(): Record<string, string> {
  const { PATH = "/usr/bin:/bin", HOME = "/nonexistent" } = process.env;
  return { PATH, HOME, LANG: "C.UTF-8" };
}

async function readyEvent(
  launcher: ChildProcess,
  events: UpEvent[],
  { onEvent, timeoutMs = 60_000 }: StartOptions,
  closed: Promise<number>,
): Promise<LocalAddresses> {
  let said = "";
  launcher.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const { promise, resolve, reject } = Promise.withResolvers<LocalAddresses>();
  const timer = setTimeout(() => reject(new Error(`steppe up was not ready in ${timeoutMs} ms: ${said}`)), timeoutMs);
  void closed.then((code) => reject(new Error(`steppe up ended with ${code}: ${said} ${JSON.stringify(events)}`)));
  if (launcher.stdout !== null) {
    createInterface({ input: launcher.stdout }).on("line", (line) => {
      const event = parseEvent(line);
      events.push(event);
      onEvent?.(event);
      if (event.event === "ready") resolve(event as UpEvent & LocalAddresses);
    });
  }
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(line: string): UpEvent {
  try {
    return JSON.parse(line) as UpEvent;
  } catch {
    return { event: "not-json", line };
  }
}

/** The processes whose command line or environment names the data folder, and the launcher. */
function processesOf(data: string, launcher: number | undefined): number[] {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => Number(pid) === launcher || mentions(pid, "cmdline", data) || mentions(pid, "environ", data));
  return found.map(Number);
}

function mentions(pid: string, file: string, text: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").includes(text);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errno(error) ?? "")) return false;
    throw error;
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (errno(error) !== "ESRCH") throw error;
    }
  }
}
