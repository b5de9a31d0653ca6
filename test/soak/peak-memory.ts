import { readFileSync } from "node:fs";
import type { RunningSteppe } from "../support/steppe.ts";
import { processesOf } from "./processes.ts";

/** The most memory that control has had since its start, MiB; its children (git, builds) apart. */
export function peakMemoryOfControl(steppe: RunningSteppe): number {
  const peaks = processesOf(steppe, "control").map((pid) => {
    const [, kibibytes = "0"] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kibibytes) / 1024;
  });
  return Math.round(Math.max(0, ...peaks));
}
