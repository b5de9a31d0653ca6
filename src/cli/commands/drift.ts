import type { Command } from "commander";
import type { DriftView } from "../../api/types.ts";
import { type CommonOptions, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { formatMoment } from "../human.ts";
import { jobDiffText } from "../job-diff-text.ts";
import { usageError } from "../usage-error.ts";
import { DIFFERENCE } from "./plan.ts";

/** Why it cannot be said what was changed. */
const UNKNOWN: Record<DriftView["since"], string> = {
  adopted: "What it was before, Nomad does not keep any more.",
  registered: "What was changed cannot be said: the live release would be refused as it is now.",
};

interface Options extends CommonOptions {
  overwrite?: boolean;
  exitCode?: boolean;
}

/** With `--json`, an array of DriftViews; of one app that and no more. */
export function define(command: Command, context: Context): void {
  command
    .argument("[app]", "all apps, if absent")
    .option("--overwrite", "let the app's next deployment overwrite what was changed")
    .option("--exit-code", "end with 1 if somebody changed something");
  withServer(command).action(async (app: string | undefined, { overwrite, exitCode, ...options }: Options) => {
    if (overwrite === true && app === undefined)
      throw usageError("steppe drift", "`--overwrite` wants to know of which app", "Name the app.");
    const client = await context.client(options);
    const found = app === undefined ? await client.cluster.drifts() : await one(app, overwrite === true);
    if (options.json === true) await context.printJson(found);
    else await context.print(describe(found, { app, overwrite: overwrite === true }, context));
    if (exitCode === true && found.length > 0) context.exitCode = DIFFERENCE;

    async function one(name: string, overwriteIt: boolean): Promise<DriftView[]> {
      const drift = overwriteIt ? await client.cluster.overwriteDrift(name) : await client.cluster.drift(name);
      return drift === null ? [] : [drift];
    }
  });
}

interface Asked {
  app: string | undefined;
  overwrite: boolean;
}

function describe(drifts: readonly DriftView[], asked: Asked, context: Context): string {
  const { app } = asked;
  if (drifts.length === 0)
    return app === undefined
      ? "Every job is as Steppe registered it, or may be overwritten."
      : `The job of ${app} is as Steppe registered it, or may be overwritten.`;
  return drifts.map((drift) => describeOne(drift, asked, context)).join("\n\n");
}

function describeOne(drift: DriftView, { overwrite }: Asked, { style, io }: Context): string {
  const { app, job, version, changedAt, since, changes } = drift;
  const name = job === app ? style.bold(app) : `${style.bold(app)} (job ${job})`;
  if (version === null) return `${name}: somebody removed the job; the next deployment makes it anew.`;
  const when = changedAt === null ? "" : `, ${formatMoment(changedAt, io.clock.now())}`;
  const head = `${name}: somebody changed the job since Steppe ${since === "adopted" ? "took it over" : "registered it"} (now version ${version}${when}).`;
  const next = overwrite
    ? `The next deployment of ${app} overwrites this.`
    : `Put it into the app's definition, or: steppe drift ${app} --overwrite`;
  const what = changes === null ? UNKNOWN[since] : jobDiffText(changes, style);
  return [head, "", what, "", next].join("\n");
}
