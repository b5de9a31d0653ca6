import { readFileSync } from "node:fs";
import { median, type Report, round } from "../lib/report.ts";
import type { Case } from "./cases.ts";
import type { Measured, Variant } from "./measure.ts";
import { programBytes, type ServerKind } from "./servers.ts";

/** What came of one measurement: figures, or why there are none. */
export interface Outcome {
  kind: ServerKind;
  wanted: Case;
  variant: Variant;
  measured?: Measured;
  remark?: string;
}

/** The figures of one server in one case, over all rounds. */
interface Line {
  kind: ServerKind;
  wanted: Case;
  variant: Variant;
  all: Measured[];
}

/** What ours are compared with: the better of these. */
const YARDSTICK: ReadonlySet<string> = new Set(["nginx", "lighttpd"]);
/** The load generator is what limits the throughput from here on. */
const LOAD_LIMIT = 0.95;
/** How the machine's TCP decides when to send: of a large file's throughput on the loopback interface it changes more than any server does. */
const CONGESTION_FILE = "/proc/sys/net/ipv4/tcp_congestion_control";

/** A row for each case and server. */
export function caseTable(outcomes: readonly Outcome[], absent: readonly string[]): Report {
  const lines = linesOf(outcomes);
  const remarks = outcomes.flatMap(({ remark }) => (remark === undefined ? [] : [remark]));
  return {
    title:
      "Requests of 32 kept-alive connections, the server on one core and the load on another; medians. `logged` is with access log and metrics. " +
      "Ratios are to the better of nginx and lighttpd: of requests a second more is better, of CPU less. `load` is how busy the load generator was, `others` what else the machine did, of a core: where that is much, only CPU can be compared. " +
      "`floor` is no server: it receives and sends the same bytes, and so shows what the kernel takes of each request, whoever answers it; `floor-ring` does it by io_uring. " +
      `TCP's congestion control is ${readFileSync(CONGESTION_FILE, "utf8").trim()}.`,
    columns: [
      "case",
      "set up",
      "server",
      "req/s",
      "ratio",
      "CPU µs",
      "CPU ratio",
      "p50 µs",
      "p99 µs",
      "load %",
      "others %",
      "sent",
    ],
    rows: lines.map((line) => caseRow(line, yardsticks(line, lines))),
    remarks: [...absent, ...new Set(remarks)],
    targets: caseTargets(lines),
  };
}

/** A row for each server: what it takes. */
export function serverTable(outcomes: readonly Outcome[]): Report {
  const kinds = [...new Set(outcomes.filter(({ measured }) => measured !== undefined).map(({ kind }) => kind))];
  const native = { idle: Number.NaN, loaded: Number.NaN, image: Number.NaN };
  const rows = kinds.map((kind) => {
    const all = outcomes.flatMap((one) =>
      one.kind === kind && one.variant === "bare" && one.measured ? [one.measured] : [],
    );
    const of = (read: (one: Measured) => number): number => round(median(all.map(read)), 3);
    const megabytes = (read: (one: Measured) => number): number => round(of(read) / 1e6, 3);
    const shipped = kind.shipped?.();
    const row = {
      server: kind.name,
      "first answer ms": round(of(({ firstAnswer }) => firstAnswer)),
      "RSS MB idle": megabytes(({ idle }) => idle.rss),
      "Pss MB idle": megabytes(({ idle }) => idle.pss),
      "private MB idle": megabytes(({ idle }) => idle.private),
      "RSS MB loaded": megabytes(({ loaded }) => loaded.rss),
      "Pss MB loaded": megabytes(({ loaded }) => loaded.pss),
      "private MB loaded": megabytes(({ loaded }) => loaded.private),
      "program KB": round(programBytes(kind) / 1024),
      "shipped KB": shipped === undefined ? null : round(shipped / 1024),
    };
    if (kind.name === "native") {
      Object.assign(native, {
        idle: row["RSS MB idle"],
        loaded: row["RSS MB loaded"],
        image: row["shipped KB"] ?? Number.NaN,
      });
    }
    return row;
  });
  return {
    title:
      "What a server takes, with neither log nor metrics: from its start to its first answer; memory of all its processes right after that, and after a load of " +
      "any of the cases; its program, and what has to be shipped of it besides (of native the image, of Node the bundles).",
    columns: Object.keys(rows[0] ?? { server: "" }),
    rows,
    targets: [
      { name: "native, RSS idle", target: 0.25, got: native.idle, unit: "MB" },
      { name: "native, RSS after load", target: 0.5, got: native.loaded, unit: "MB" },
      { name: "native, image", target: 96, got: native.image, unit: "KB" },
    ].filter(({ got }) => !Number.isNaN(got)),
  };
}

function linesOf(outcomes: readonly Outcome[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { kind, wanted, variant, measured } of outcomes) {
    if (measured === undefined) continue;
    const key = `${variant} ${wanted.name} ${kind.name}`;
    const line = lines.get(key) ?? { kind, wanted, variant, all: [] };
    line.all.push(measured);
    lines.set(key, line);
  }
  return [...lines.values()];
}

function yardsticks({ wanted, variant }: Line, lines: readonly Line[]): { rate: number; cpu: number } {
  const peers = lines.filter(
    (line) => line.wanted === wanted && line.variant === variant && YARDSTICK.has(line.kind.name),
  );
  if (peers.length === 0) return { rate: Number.NaN, cpu: Number.NaN };
  return { rate: Math.max(...peers.map(rateOf)), cpu: Math.min(...peers.map(cpuOf)) };
}

function caseRow(line: Line, { rate, cpu }: { rate: number; cpu: number }): Report["rows"][number] {
  const of = (read: (one: Measured) => number): number => median(line.all.map(read));
  return {
    case: line.wanted.name,
    "set up": line.variant,
    server: line.kind.name,
    "req/s": round(rateOf(line), 0),
    ratio: finite(rateOf(line) / rate, 2),
    "CPU µs": finite(cpuOf(line), 1),
    "CPU ratio": finite(cpuOf(line) / cpu, 2),
    "p50 µs": round(
      of(({ load }) => load.p50),
      0,
    ),
    "p99 µs": round(
      of(({ load }) => load.p99),
      0,
    ),
    "load %": round(of(({ load }) => load.busy) * 100, 0),
    "others %": finite(
      Math.max(
        0,
        of(({ others }) => others ?? Number.NaN),
      ) * 100,
      0,
    ),
    sent: line.all[0]?.encoding ?? "",
  };
}

function rateOf({ all }: Line): number {
  return median(all.map(({ load }) => load.requests / load.duration));
}

function cpuOf({ all }: Line): number {
  return median(all.map(({ cpu }) => cpu ?? Number.NaN));
}

function finite(value: number, digits: number): number | null {
  return Number.isFinite(value) ? round(value, digits) : null;
}

function caseTargets(lines: readonly Line[]): Report["targets"] {
  const targets: Report["targets"] = [];
  const find = (server: string, variant: Variant, name: string): Line | undefined =>
    lines.find((line) => line.kind.name === server && line.variant === variant && line.wanted.name === name);
  for (const [variant, most] of [
    ["bare", 0.8],
    ["logged", 0.75],
  ] as const) {
    const line = find("native", variant, "1 KB");
    const got = line === undefined ? null : finite(cpuOf(line) / yardsticks(line, lines).cpu, 2);
    if (got !== null)
      targets.push({ name: `native, 1 KB ${variant}, CPU to the better peer's`, target: most, got, unit: "" });
  }
  for (const variant of ["bare", "tls"] as const) {
    const [ours, theirs] = [find("node", variant, "1 KB"), find("nginx", variant, "1 KB")];
    const got = ours && theirs && finite(cpuOf(ours) / cpuOf(theirs), 2);
    if (got) targets.push({ name: `Node, 1 KB ${variant}, CPU to nginx's`, target: 1, got, unit: "" });
  }
  for (const line of lines.filter(({ kind }) => kind.name === "native")) {
    const got = finite(yardsticks(line, lines).rate / rateOf(line), 2);
    const isLoadLimited = median(line.all.map(({ load }) => load.busy)) >= LOAD_LIMIT;
    const name = `native, ${line.wanted.name} ${line.variant}, the better peer's throughput to ours`;
    if (got !== null) targets.push({ name, target: isLoadLimited ? 1.05 : 1, got, unit: "" });
  }
  return targets;
}
