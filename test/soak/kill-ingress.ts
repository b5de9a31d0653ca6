import { processesOf, status, until } from "./processes.ts";
import type { SoakResult } from "./soak-result.ts";
import { VisitedSite } from "./visited-site.ts";

/** A process that lived for so long is replaced at once: see ingress-supervisor.ts. */
const LIVED_MS = 6000;

/** What a visitor may see of a process that is killed under it: its connection ends. Nothing else is acceptable. */
const CONNECTION_ENDED = /ECONNRESET|EPIPE|socket hang up|aborted|before secure TLS connection/;

/**
 * Kill -9 of an ingress process 50 times under load: another takes its place each time, and no visitor sees more than the end
 * of a connection that the process held.
 */
export async function run(scale: number): Promise<SoakResult> {
  const kills = Math.ceil(50 * scale);
  await using site = await VisitedSite.start();
  const { steppe, load } = site;
  const count = processesOf(steppe, "ingress").length;
  for (let index = 1; index <= kills; index++) {
    const all = processesOf(steppe, "ingress");
    const victim = all[Math.floor(Math.random() * all.length)];
    if (victim === undefined) throw new Error("there is no ingress process");
    process.kill(victim, "SIGKILL");
    await until("another ingress process", async () => {
      const now = (await status(steppe))?.processes.filter(({ kind }) => kind === "ingress") ?? [];
      const haveLived = now.every(({ pid, startedAt }) => pid !== victim && Date.now() - startedAt > LIVED_MS);
      return now.length === count && haveLived ? true : undefined;
    });
    if (index % 5 === 0) await site.release(`v${index}`);
  }
  await load.stop();
  const ended = load.problems.filter((problem) => CONNECTION_ENDED.test(problem));
  const others = load.problems.filter((problem) => !CONNECTION_ENDED.test(problem));
  return { counts: { kills, requests: load.requests, "connections ended": ended.length }, problems: others };
}
