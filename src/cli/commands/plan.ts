import type { Command } from "commander";
import type { PlanView } from "../../api/types.ts";
import { type CommonOptions, wholeNumber, withServer } from "../common-options.ts";
import type { Context } from "../context.ts";
import { short } from "../human.ts";
import { jobDiffText } from "../job-diff-text.ts";
import { usageError } from "../usage-error.ts";

interface Options extends CommonOptions {
  release?: string;
  image?: string;
  exitCode?: boolean;
}

/** What ends with this, and `--exit-code`, has found a difference. */
export const DIFFERENCE = 1;

/** With `--json`, the PlanView. */
export function define(command: Command, context: Context): void {
  command
    .argument("<app>")
    .option("--release <number>", "of a release that is kept, as `steppe rollback` would deploy it")
    .option("--image <reference>", "with an image of the app's repository, as `steppe deploy --image` would deploy it")
    .option("--exit-code", "end with 1 if something changes");
  withServer(command).action(async (name: string, { release, image, exitCode, ...options }: Options) => {
    const subject = `steppe plan ${name}`;
    if (release !== undefined && image !== undefined)
      throw usageError(subject, "only one of `--release` and `--image` can be planned at a time");
    const number = release === undefined ? undefined : wholeNumber(release, "the release", subject);
    const what = { ...(number === undefined ? {} : { release: number }), ...(image === undefined ? {} : { image }) };
    const client = await context.client(options);
    const plan = await client.cluster.plan(name, what, context.io.signal);
    if (options.json === true) await context.printJson(plan);
    else await context.print(describe(plan, context));
    if (exitCode === true && plan.changes !== null) context.exitCode = DIFFERENCE;
  });
}

function describe(plan: PlanView, { style }: Context): string {
  const { app, job, release, image, changes } = plan;
  const what = release === null ? `the definition of ${app} as it is now` : `release ${release} of ${app}`;
  const head = `${what}, image ${short(image)}`;
  if (changes === null) return `Nothing to change: the job ${job} is as ${head}, would make it.`;
  const rest = [...unplacedLines(plan, style.red("✗")), ...plan.warnings.map((text) => `${style.yellow("!")} ${text}`)];
  return [`Deploying ${head}:`, "", jobDiffText(changes, style), "", updateLine(plan), ...rest].join("\n");
}

function unplacedLines({ unplaced }: PlanView, cross: string): string[] {
  return Object.entries(unplaced).map(
    ([group, cause]) => `${cross} not all instances of ${group} find a place: ${cause}`,
  );
}

/** In Nomad's words: https://developer.hashicorp.com/nomad/docs/commands/job/plan */
const WORDS: Readonly<Record<string, string>> = {
  Canary: "placed as canaries",
  DestructiveUpdate: "replaced",
  Ignore: "left as they are",
  InPlaceUpdate: "updated in place",
  Migrate: "moved",
  Place: "placed",
  Preemptions: "pushed aside",
  Stop: "stopped",
};

function updateLine({ updates }: PlanView): string {
  const groups = Object.entries(updates).map(([group, counts]) => {
    const told = Object.entries(counts).map(([what, count]) => `${count} ${WORDS[what] ?? what}`);
    return `Instances of ${group}: ${told.length === 0 ? "none change" : told.join(", ")}.`;
  });
  return groups.length === 0 ? "No instance changes." : groups.join("\n");
}
