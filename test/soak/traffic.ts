import type { SoakResult } from "./soak-result.ts";
import { APP } from "./soak-site.ts";
import { VisitedSite } from "./visited-site.ts";

/** 100 deployments and rollbacks and 20 replacements of the ingress under constant load: not one failed or wrong request. */
export async function run(scale: number): Promise<SoakResult> {
  const deployments = Math.ceil(100 * scale);
  const replacements = Math.ceil(20 * scale);
  await using site = await VisitedSite.start();
  const { steppe, load } = site;
  const every = Math.max(1, Math.floor(deployments / replacements));
  for (let index = 1; index <= deployments; index++) {
    if (index % 4 === 0) await steppe.json("rollback", APP);
    else await site.release(`v${index}`);
    if (index % every === 0) await replaceIngress(steppe.addresses.api, steppe.token);
  }
  await load.stop();
  return { counts: { requests: load.requests, deployments, replacements }, problems: load.problems };
}

async function replaceIngress(api: string, token: string): Promise<void> {
  const answer = await fetch(`${api}/v1/ingress/replace`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`replacing the ingress was answered ${answer.status}: ${await answer.text()}`);
}
