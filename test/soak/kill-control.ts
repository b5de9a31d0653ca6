import type { RunningSteppe } from "../support/steppe.ts";
import { leftovers } from "./leftovers.ts";
import { processesOf, status, until } from "./processes.ts";
import type { SoakResult } from "./soak-result.ts";
import { APP, tagVersion } from "./soak-site.ts";
import { VisitedSite } from "./visited-site.ts";

interface Deployed {
  source: { kind: string; ref?: string };
  state: string;
}

/** The time within which a deployment of the soak's site is over: kills fall anywhere in it. */
const SPAN_MS = 250;
/** See bin/steppe. */
const TRUSTED_MS = 6000;

/**
 * Kill -9 of control at a random moment in each of 200 deployments, under load: each pushed tag is live or explained, none is
 * deployed twice, nothing half-made stays on the disk, and no visitor notices.
 */
export async function run(scale: number): Promise<SoakResult> {
  const kills = Math.ceil(200 * scale);
  await using site = await VisitedSite.start(1);
  const { steppe, load } = site;
  const problems: string[] = [];
  for (let index = 1; index <= kills; index++) {
    problems.push(...(await killDuringPush(site, `v${index}`)));
  }
  await load.stop();
  problems.push(...load.problems, ...(await deployedTwice(steppe)), ...(await leftovers(steppe)));
  return { counts: { kills, requests: load.requests }, problems };
}

async function killDuringPush({ steppe, repository }: VisitedSite, tag: string): Promise<string[]> {
  await tagVersion(repository, tag);
  await untilTrusted(steppe);
  const control = processesOf(steppe, "control");
  const push = repository.tryGit("push", "--quiet", "steppe", tag);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * SPAN_MS));
  for (const pid of control) process.kill(pid, "SIGKILL");
  await push;
  await until("control", () => status(steppe));
  if ((await repository.tryGit("ls-remote", "--exit-code", "steppe", `refs/tags/${tag}`)).code !== 0) {
    // The push had not arrived: git said so, and its user pushes again.
    await repository.git("push", "--quiet", "steppe", tag);
  }
  return await untilEnded(steppe, tag);
}

/** The launcher starts control again at once only if it had run for a while. */
async function untilTrusted(steppe: RunningSteppe): Promise<void> {
  await until("a control that has run for a while", async () => {
    const control = (await status(steppe))?.processes.find(({ kind }) => kind === "control");
    return control !== undefined && Date.now() - control.startedAt > TRUSTED_MS ? true : undefined;
  });
}

async function untilEnded(steppe: RunningSteppe, tag: string): Promise<string[]> {
  const ended = await until(`the end of ${tag}`, async () => {
    const last = (await deployments(steppe)).find(({ source }) => source.ref === `refs/tags/${tag}`);
    return last !== undefined && ["live", "failed", "superseded"].includes(last.state) ? last : undefined;
  });
  return ended.state === "live" ? [] : [`${tag} ended as ${ended.state}: ${JSON.stringify(ended)}`];
}

async function deployments(steppe: RunningSteppe): Promise<Deployed[]> {
  const answer = await fetch(`${steppe.addresses.api}/v1/apps/${APP}/deployments?limit=1000`, {
    headers: { authorization: `Bearer ${steppe.token}` },
  });
  if (!answer.ok) throw new Error(`the deployments were answered ${answer.status}`);
  return (await answer.json()) as Deployed[];
}

async function deployedTwice(steppe: RunningSteppe): Promise<string[]> {
  const counts = Map.groupBy(await deployments(steppe), ({ source }) => source.ref ?? "");
  return [...counts].flatMap(([ref, all]) => (all.length > 1 ? [`${ref} has ${all.length} deployments`] : []));
}
