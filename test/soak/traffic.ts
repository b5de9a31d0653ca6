import { GitRepository } from "../support/git-repository.ts";
import { startSteppe } from "../support/steppe.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { Load } from "./load.ts";
import type { SoakResult } from "./soak-result.ts";
import { addSoakApp, APP, tagVersion } from "./soak-site.ts";

/** 100 deployments and rollbacks and 20 replacements of the ingress under constant load: not one failed or wrong request. */
export async function run(scale: number): Promise<SoakResult> {
  const deployments = Math.ceil(100 * scale);
  const replacements = Math.ceil(20 * scale);
  using folder = temporaryFolder("soak");
  await using steppe = await startSteppe();
  const repository = await GitRepository.init(folder.path);
  await addSoakApp(steppe, repository);
  await tagVersion(repository, "v0");
  await repository.git("push", "--quiet", "steppe", "v0");
  await using load = await Load.start(steppe);
  const every = Math.max(1, Math.floor(deployments / replacements));
  for (let index = 1; index <= deployments; index++) {
    if (index % 4 === 0) {
      await steppe.json("rollback", APP);
    } else {
      await tagVersion(repository, `v${index}`);
      await repository.git("push", "--quiet", "steppe", `v${index}`);
    }
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
