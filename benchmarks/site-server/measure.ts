import { cpuSeconds, machineSeconds, type Memory, memoryOf } from "../lib/processes.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import type { Case } from "./cases.ts";
import { type Checked, checkAnswer } from "./check-answer.ts";
import type { Content } from "./content.ts";
import { type LoadResult, runWrk } from "./wrk.ts";
import { RunningServer } from "./running-server.ts";
import type { ServerKind } from "./servers.ts";
import { writeCertificate } from "./test-certificate.ts";

/** How the server is set up: as little as it can do, with access log and metrics, or with TLS and neither. */
export type Variant = "bare" | "logged" | "tls";

export interface Place {
  /** The folder that is served, and what is in it. */
  root: string;
  content: Content;
  serverCore: number;
  loadCore: number;
}

export interface MeasureOptions {
  variant: Variant;
  /** How long the load goes on. */
  seconds: number;
  place: Place;
}

export interface Measured {
  load: LoadResult;
  /** Microseconds of processor time, user and kernel, of all its processes, a request; null if that cannot be told. */
  cpu: number | null;
  /** Cores that whatever else runs on the machine used meanwhile; null if that cannot be told. */
  others: number | null;
  /** Milliseconds. */
  firstAnswer: number;
  idle: Memory;
  loaded: Memory;
  /** How the body came. */
  encoding: string;
}

const CONNECTIONS = 32;
/** Caches and code get warm, seconds. */
const WARM_UP = 1;

/**
 * Starts a server, sees to it that its answer is right, and asks it for one thing for so long. Returns undefined if it cannot do what the case is
 * about; throws if an answer is wrong.
 */
export async function measure(
  kind: ServerKind,
  wanted: Case,
  { variant, seconds, place }: MeasureOptions,
): Promise<Measured | undefined> {
  using temporary = temporaryFolder("bench");
  const at = { root: place.root, temporary: temporary.path, core: place.serverCore };
  await using server = await startFor(kind, variant, at);
  const pids = kind.forks ? [server.pid] : server.pids();
  const idle = memoryOf(pids);
  const checked = await checkAnswer(server.url, wanted, place.content);
  if (checked === undefined) return undefined;
  const load = {
    url: server.url + wanted.path,
    headers: checked.headers,
    connections: CONNECTIONS,
    core: place.loadCore,
  };
  await runWrk({ ...load, seconds: WARM_UP });
  const before = { server: processor(pids), machine: machineSeconds() };
  const result = await runWrk({ ...load, seconds });
  const used = processor(pids) - before.server;
  const cpu = kind.forks ? null : (used * 1e6) / result.requests;
  const others = kind.forks ? null : (machineSeconds() - before.machine - used) / result.duration - result.busy;
  requireRight(kind, wanted, checked, result);
  const loaded = memoryOf(pids);
  return { load: result, cpu, others, firstAnswer: server.firstAnswer, idle, loaded, encoding: checked.encoding };
}

/** Starts a server that is set up in this way. */
export async function startFor(
  kind: ServerKind,
  variant: Variant,
  { root, temporary, core }: { root: string; temporary: string; core: number },
): Promise<RunningServer> {
  const features = new Set([variant === "logged" ? "logged" : "bare", variant === "tls" ? "tls" : "plain"]);
  for (const extra of kind.extras?.() ?? []) features.add(extra);
  if (variant === "tls") writeCertificate(temporary);
  return await RunningServer.start(kind, { root, temporary, features }, core);
}

function processor(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

/** Whether the load got what was asked for, too. */
function requireRight(kind: ServerKind, wanted: Case, { bytes }: Checked, result: LoadResult): void {
  const { requests, statuses } = result;
  const failures = kind.forks ? 0 : result.failures; // the end of a connection is its way
  const isError = wanted.status >= 400;
  const wrong = isError ? requests - statuses : statuses;
  // Connections that wait for their next answer at the end may have got a part of it.
  const isShort = result.bytes < requests * bytes;
  if (requests > 0 && failures === 0 && wrong === 0 && !isShort) return;
  throw new Error(`of the answers to the load some were wrong: ${JSON.stringify(result)}`);
}
