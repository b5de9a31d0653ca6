import { stderr } from "node:process";
import type { ClusterHarness } from "../../test/support/cluster/cluster-harness.ts";
import { median, type Report, round } from "../lib/report.ts";
import { type Applied, ManyAppsPlatform } from "./many-apps-platform.ts";
import { AT_ONCE, deployPlain, removeAll, untilSuccessful } from "./plain-jobs.ts";
import type { PlainNomad } from "./plain-nomad.ts";

const APPS = 1000;
const QUICK_APPS = 100;
/** What all apps have their image from. */
const IMAGE_APP = "bench-many";

/** What is deployed, and how long that takes Nomad alone, if it was measured. */
interface Phase {
  name: string;
  apps: number;
  applied: Applied;
  plainMs?: number | undefined;
}

/**
 * A thousand apps whose instances are Nomad's mock driver's, by `steppe apply`: declared, one of them changed, and all of them changed; beside the same jobs by Nomad's API
 * alone.
 */
export async function measureManyJobs(
  { harness, nomad }: { harness: ClusterHarness; nomad: PlainNomad },
  isQuick: boolean,
): Promise<Report[]> {
  const apps = isQuick ? QUICK_APPS : APPS;
  try {
    const phases = await measureSteppe(harness, nomad, apps);
    await removeAll(nomad, apps);
    for (const [number, name] of [
      [1, "first"],
      [2, "all changed"],
    ] as const) {
      const plainMs = await deployPlain({ nomad, fabio: harness.cluster.addresses.fabio }, number, apps);
      stderr.write(`${apps} jobs, ${name}: ${round(plainMs / 1000)} s by Nomad's API\n`);
      const phase = phases.find((one) => one.name === name);
      if (phase !== undefined) phase.plainMs = plainMs;
    }
    return reports(apps, phases);
  } finally {
    await removeAll(nomad, apps);
  }
}

async function measureSteppe(harness: ClusterHarness, nomad: PlainNomad, apps: number): Promise<Phase[]> {
  const { cluster } = harness;
  await cluster.publish({ app: IMAGE_APP, number: 1, files: { "index.html": "many" } });
  const image = `${cluster.registry}/${IMAGE_APP}`;
  await using platform = await ManyAppsPlatform.start(cluster.addresses, { image, apps });
  const phases: Phase[] = [];
  const add = async (name: string, deployed: number, work: () => Promise<Applied>): Promise<void> => {
    const applied = await work();
    stderr.write(`${deployed} jobs, ${name}: ${round(applied.ms / 1000)} s by steppe apply\n`);
    phases.push({ name, apps: deployed, applied });
    await untilSuccessful(nomad, apps);
  };
  await add("first", apps, () => platform.add());
  await add("one changed", 1, () => platform.change((at) => (at === 0 ? 2 : 1)));
  await add("all changed", apps, () => platform.change(() => 3));
  return phases;
}

function reports(apps: number, phases: readonly Phase[]): Report[] {
  const rows = phases.map(({ name, applied, plainMs }) => ({
    deployment: name,
    "Nomad alone s": plainMs === undefined ? null : round(plainMs / 1000),
    "steppe apply s": round(applied.ms / 1000),
    "one, median s": seconds(median(applied.each)),
    "slowest s": seconds(Math.max(...applied.each)),
    "CPU s": round(applied.cpu),
    "machine's CPU s": round(applied.machine),
    "most RSS MB": round(applied.resident / 1e6, 0),
  }));
  const asked = phases.flatMap(({ name, apps: deployed, applied }) =>
    applied.asked.map(({ who, kind, requests, mostAtOnce }) => ({
      asked: `${who}: ${kind}`,
      deployment: name,
      requests,
      "an app": round(requests / deployed, 2),
      "most at once": mostAtOnce,
    })),
  );
  const waiting = phases.flatMap(({ applied }) => applied.asked.filter(({ kind }) => /waiting|stream/.test(kind)));
  const mostWaiting = Math.max(...waiting.map(({ mostAtOnce }) => mostAtOnce));
  return [
    {
      title:
        `${apps} apps whose instances are the mock driver's, by \`steppe apply\` to a running control: declared for the first time, one changed, all changed; from the beginning of the command until every ` +
        `visitor is sent to the last. min_healthy_time 1 s, shutdown_delay 500 ms. Nomad alone: the same jobs with auto_promote, ${AT_ONCE} registrations at a time.`,
      columns: Object.keys(rows[0] ?? {}),
      rows,
      targets: [{ name: "waiting queries of a kind", target: 1, got: mostWaiting, unit: "at once" }],
    },
    {
      title: "What Steppe asked meanwhile.",
      columns: ["asked", "deployment", "requests", "an app", "most at once"],
      rows: asked,
      targets: [],
    },
  ];
}

/** Null if there was none to measure. */
function seconds(ms: number): number | null {
  return Number.isFinite(ms) ? round(ms / 1000) : null;
}
