import { readFileSync } from "node:fs";
import type { PlatformStatus } from "../../src/api/types.ts";
import { httpGet } from "../support/http-get.ts";
import type { RunningSteppe } from "../support/steppe.ts";

/** The ids of the processes of a kind, by their command lines. */
export function processesOf(steppe: RunningSteppe, kind: "control" | "ingress"): number[] {
  return steppe.processes().filter((pid) => {
    const args = commandLine(pid);
    return (
      args.some(
        (arg) =>
          arg.endsWith(kind === "control" ? "/control.js" : "/ingress.js") ||
          arg.endsWith(kind === "control" ? "/src/main.ts" : "/ingress/main.ts"),
      ) && args[0]?.includes("node")
    );
  });
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it has ended
  }
}

/** What the API says of the platform, or undefined while it does not answer. */
export async function status(steppe: RunningSteppe): Promise<PlatformStatus | undefined> {
  try {
    const headers = { authorization: `Bearer ${steppe.token}` };
    const answer = await httpGet(steppe.addresses.api, { host: "127.0.0.1", path: "/v1/status", headers });
    return answer.status === 200 ? (JSON.parse(answer.text) as PlatformStatus) : undefined;
  } catch {
    return undefined; // nobody listens at this moment
  }
}

/** Asks until the condition holds; throws after `limitMs`. */
export async function until<Result>(
  what: string,
  ask: () => Promise<Result | undefined>,
  limitMs = 30_000,
): Promise<Result> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const result = await ask();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} did not come within ${limitMs} ms`);
}
