import type { Command } from "commander";
import type { DoctorCheck, DoctorReport } from "../../api/types.ts";
import { SteppeError } from "../../shared/errors.ts";
import { type CommonOptions, gatherList, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { count } from "../human.ts";
import { formatTable } from "../table.ts";
import { usageError } from "../usage-error.ts";

interface Options extends CommonOptions {
  local?: boolean;
  fabio?: string[];
  tagPrefix?: string;
}

/** As an error of what is around has it. */
const BROKEN = 5;

/** With `--json`, the DoctorReport. */
export function define(command: Command, context: Context): void {
  command
    .option(
      "--local",
      "look from this machine, at what its environment names (NOMAD_ADDR, CONSUL_HTTP_ADDR, …); no server is asked",
    )
    .option(
      "--fabio <url>",
      "with --local: where Fabio's API is, if Consul does not say; several times for more",
      gatherList,
    )
    .option("--tag-prefix <text>", "with --local: what Fabio's tags begin with, if not urlprefix-");
  withServer(command).action(async (options: Options) => {
    const { local, fabio, tagPrefix } = options;
    if (local !== true && (fabio !== undefined || tagPrefix !== undefined))
      throw usageError(
        "steppe cluster doctor",
        "`--fabio` and `--tag-prefix` are of `--local`: a server knows them",
        "Give `--local` as well.",
      );
    const report = local === true ? await lookFromHere(options, context) : await askServer(options, context);
    if (options.json === true) await context.printJson(report);
    else await context.print(describe(report, context));
    if (report.checks.some(({ status }) => status === "fail")) context.exitCode = BROKEN;
  });
}

/** Before there is a server, and where it has no cluster, this machine's environment says which cluster is meant. */
async function askServer(options: Options, context: Context): Promise<DoctorReport> {
  let cause: SteppeError;
  try {
    const client = await context.client(options);
    return await client.cluster.doctor(context.io.signal);
  } catch (error) {
    const isWithout = error instanceof SteppeError && ["API_UNREACHABLE", "CLUSTER_MISSING"].includes(error.code);
    if (!isWithout || options.data !== undefined) throw error;
    cause = error;
  }
  if (!["NOMAD_ADDR", "CONSUL_HTTP_ADDR"].some((name) => context.io.env[name])) throw cause;
  await context.note(`No server with a cluster (${cause.reason}): looking from this machine, as with --local.`);
  return await lookFromHere(options, context);
}

async function lookFromHere({ fabio, tagPrefix }: Options, { io }: Context): Promise<DoctorReport> {
  const { examineEnvironment } = await import("../../engines/nomad/doctor/index.ts");
  return await examineEnvironment(io.env, { fabio: fabio ?? [], tagPrefix, clock: io.clock, signal: io.signal });
}

function describe({ checks }: DoctorReport, { style }: Context): string {
  const marks = { ok: `${style.green("ok")}  `, warn: style.yellow("warn"), fail: style.red("FAIL") };
  const areas = [...new Set(checks.map(({ area }) => area))];
  const sections = areas.map((area) => {
    const rows = checks
      .filter((check) => check.area === area)
      .map((check) => [`  ${marks[check.status]}`, textOf(check)]);
    return `${style.bold(area)}\n${formatTable(rows)}`;
  });
  return [...sections, summary(checks)].join("\n\n");
}

function textOf({ text, hint }: DoctorCheck): string {
  return hint === null ? text : `${text}\n        ${hint}`;
}

function summary(checks: readonly DoctorCheck[]): string {
  const number = (status: DoctorCheck["status"]): number => checks.filter((check) => check.status === status).length;
  const [fails, warns] = [number("fail"), number("warn")];
  if (fails > 0) return `${count(fails, "thing")} to mend${warns === 0 ? "" : `, and ${count(warns, "warning")}`}.`;
  return warns === 0 ? "All is well." : `Nothing is broken; ${count(warns, "warning")}.`;
}
