import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { errno, SteppeError } from "./errors.ts";

/** A process that listens on a port. */
export interface PortOwner {
  pid: number;
  /** Its short name, as the kernel knows it (`nginx`). */
  name: string;
}

/** TCP_LISTEN in include/net/tcp_states.h: the `st` column of /proc/net/tcp. */
const LISTENING = "0A";

/**
 * The process that listens on a TCP port of this machine, by /proc/net/tcp{,6} (see proc(5)). Undefined where
 * it cannot be told: it is another user's, in another network namespace, or this is no Linux.
 */
export function portOwner(port: number, proc = "/proc"): PortOwner | undefined {
  const inodes = new Set([...listeningInodes(`${proc}/net/tcp`, port), ...listeningInodes(`${proc}/net/tcp6`, port)]);
  if (inodes.size === 0) return undefined;
  const pid = entries(proc).find((name) => /^\d+$/.test(name) && holdsSocket(`${proc}/${name}/fd`, inodes));
  if (pid === undefined) return undefined;
  return { pid: Number(pid), name: readText(`${proc}/${pid}/comm`).trim() };
}

/**
 * The error of a failed `listen` on `HOST:PORT`, for people: PORT_TAKEN with who has it, PORT_FORBIDDEN, or what was thrown.
 *
 * @param option what chooses another address: `--http HOST:PORT`
 */
export function listenError(thrown: unknown, host: string, port: number, option: string): unknown {
  const parts = { operation: "listen on", subject: `${host}:${port}` };
  switch (errno(thrown)) {
    case "EADDRINUSE": {
      const owner = portOwner(port);
      const who = owner === undefined ? "another process has it" : `${owner.name} (process ${owner.pid}) has it`;
      const hint = `Stop that program, or choose another address with \`${option}\` (port 0 takes a free one).`;
      return new SteppeError("PORT_TAKEN", { ...parts, cause: `the port is taken: ${who}`, hint }, { cause: thrown });
    }
    case "EACCES":
      return new SteppeError(
        "PORT_FORBIDDEN",
        {
          ...parts,
          cause: "this user may not use the port",
          hint: `Ports below 1024 want root or CAP_NET_BIND_SERVICE; \`${option}\` chooses another.`,
        },
        { cause: thrown },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new SteppeError(
        "USAGE",
        { ...parts, cause: "this machine has no such address", hint: `Choose another with \`${option}\`.` },
        { cause: thrown },
      );
    default:
      return thrown;
  }
}

function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readText(table)
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === LISTENING && columns[1]?.endsWith(suffix))
    .map((columns) => `socket:[${columns[9]}]`);
}

function holdsSocket(folder: string, sockets: ReadonlySet<string>): boolean {
  return entries(folder).some((fd) => {
    try {
      return sockets.has(readlinkSync(`${folder}/${fd}`));
    } catch (error) {
      return tolerate(error, false);
    }
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    return tolerate(error, []);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return tolerate(error, "");
  }
}

/** Processes end while they are looked at, and those of other users may not be: both are answers, not failures. */
function tolerate<Value>(error: unknown, value: Value): Value {
  if (["ENOENT", "EACCES", "EPERM", "ESRCH", "ENOTDIR"].includes(errno(error) ?? "")) return value;
  throw error;
}
