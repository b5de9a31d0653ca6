import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { errno } from "../shared/errors.ts";
import type { SpawnRequest } from "./control-protocol.ts";
import { ingressFolders } from "./ingress-config.ts";

/** Where the child finds what it inherits. */
const READY_FD = 3;
const HTTP_FD = 4;
const HTTPS_FD = 5;

/** A process that does not start within so many milliseconds is ended. */
const START_MS = 14_000;
/** The log of all ingress processes is begun anew at the next start of one when it has so many bytes. */
const LOG_BYTES = 16 << 20;

/** What of our environment the child gets: what Node and the C library look at, and no token. */
const ENVIRONMENT = ["PATH", "HOME", "LANG", "TZ", "MALLOC_ARENA_MAX", "UV_THREADPOOL_SIZE", "SSL_CERT_FILE"];

/**
 * Starts an ingress process in a session of its own, so that neither our end nor Ctrl-C in our terminal ends it, and resolves
 * with its pid when it can be connected to.
 *
 * @param descriptors listening sockets of ours that it is to inherit, or null
 */
export async function spawnIngress(
  request: SpawnRequest,
  descriptors: { http: number | null; https: number | null },
): Promise<number> {
  const { config, inherit } = request;
  const http = inherit.http ? descriptors.http : null;
  const https = inherit.https ? descriptors.https : null;
  const { id, ...rest } = config;
  const childConfig = {
    id, // first: see killIngress
    ...rest,
    http: { ...config.http, fd: http === null ? null : HTTP_FD },
    https: { ...config.https, fd: https === null ? null : HTTPS_FD },
    readyFd: READY_FD,
  };
  const logFile = openLog(join(ingressFolders(config.dataFolder).logs, "ingress.log"));
  try {
    const child = spawn(request.execPath, [...request.execArgv, request.script, JSON.stringify(childConfig)], {
      cwd: "/",
      detached: true,
      env: Object.fromEntries(ENVIRONMENT.flatMap((name) => entryOf(name))),
      stdio: ["ignore", logFile, logFile, "pipe", http ?? "ignore", https ?? "ignore"],
    });
    child.unref();
    const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
    // Without descriptors or memory for a process there are no streams of it either.
    if (child.pid === undefined) return await failed;
    const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
    child.once("exit", () => clearTimeout(late));
    const said = await Promise.race([readAll(child.stdio[READY_FD] as Readable), failed]);
    clearTimeout(late);
    if (said.trim() !== "ready") {
      throw new Error(`the ingress process did not start: ${said.trim() || "see logs/ingress.log in the data folder"}`);
    }
    return child.pid;
  } finally {
    closeSync(logFile);
  }
}

function entryOf(name: string): Array<[string, string]> {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value]];
}

/** What the child writes until it closes its end; its own end is the end of it too. */
async function readAll(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Renamed to `ingress.log.1` when it is long: those that run write on in that one. */
function openLog(path: string): number {
  try {
    if (statSync(path).size > LOG_BYTES) renameSync(path, `${path}.1`);
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
  }
  return openSync(path, "a", 0o600);
}

/** Ends the process of this id, which cannot be asked for its pid since it does not answer. Returns the pids that were ended. */
export function killIngress(id: string): number[] {
  const mark = `{"id":${JSON.stringify(id)},`; // how its configuration begins
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLine(name).includes(mark));
  return pids.map(Number).filter((pid) => {
    try {
      return process.kill(pid, "SIGKILL");
    } catch (error) {
      if (errno(error) === "ESRCH") return false;
      throw error;
    }
  });
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errno(error) ?? "")) return "";
    throw error;
  }
}
