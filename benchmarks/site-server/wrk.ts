import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpuSeconds } from "../lib/processes.ts";

export interface Load {
  url: string;
  headers: Readonly<Record<string, string>>;
  seconds: number;
  connections: number;
  /** The core that the load is made on. */
  core: number;
  /** A Lua script of this folder that makes the requests, and its arguments. */
  script?: { name: string; args: readonly string[] };
}

export interface LoadResult {
  requests: number;
  /** Seconds. */
  duration: number;
  /** Bytes that came, heads included. */
  bytes: number;
  /** Latency, microseconds. */
  p50: number;
  p99: number;
  /** Connections that broke off or timed out. */
  failures: number;
  /** Answers of 400 and above. */
  statuses: number;
  /** How busy wrk itself was, 0 to 1: near 1 it is what limits the throughput. */
  busy: number;
}

/** On a busy machine an answer of 10 MB takes its time, and is right all the same. */
const TIMEOUT = "30s";
/** So long before its end wrk's processor time is looked at, milliseconds: afterwards it is gone. */
const BEFORE_END_MS = 100;

/** Runs wrk (https://github.com/wg/wrk), one thread on one core. Throws if it ends otherwise than well. */
export async function runWrk(load: Load): Promise<LoadResult> {
  const { url, headers, seconds, connections, core, script = { name: "wrk-report.lua", args: [] } } = load;
  const fields = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    "--timeout",
    TIMEOUT,
    "-s",
    script.name,
    ...fields,
    url,
    ...script.args,
  ];
  const child = spawn("taskset", ["-c", String(core), "wrk", ...args], {
    cwd: import.meta.dirname, // where the scripts are
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000 - BEFORE_END_MS));
  const used = child.pid === undefined || child.exitCode !== null ? 0 : cpuSeconds(child.pid);
  const [code] = await closed;
  const line = output.split("\n").find((text) => text.startsWith("{"));
  if (code !== 0 || line === undefined) throw new Error(`wrk ${url} ended with ${code}: ${output.trim()}`);
  const found = JSON.parse(line) as Omit<LoadResult, "busy">;
  return { ...found, duration: found.duration / 1e6, busy: used / (seconds - BEFORE_END_MS / 1000) };
}
