import type { Findings } from "./report.ts";

type Version = readonly [major: number, minor: number];

/** What Steppe was tried with. */
const TRIED = {
  Nomad: { from: [1, 1], to: [1, 6] },
  Consul: { from: [1, 10], to: [1, 16] },
  Fabio: { from: [1, 6], to: [1, 6] },
} as const satisfies Record<string, { from: Version; to: Version }>;

/** Finds whether a version is one that Steppe was tried with. */
export function checkVersion(findings: Findings, what: keyof typeof TRIED, version: string, where: string): void {
  const { from, to } = TRIED[what];
  const found = /^v?(\d+)\.(\d+)/.exec(version);
  const name = `${what} ${version} ${where}`;
  const tried = `${from.join(".")} to ${to.join(".")}`;
  if (found === null) return findings.warn(`${name}: its version cannot be read`, `Steppe was tried with ${tried}.`);
  const at: Version = [Number(found[1]), Number(found[2])];
  if (isBefore(at, from))
    findings.fail(`${name} is too old`, `Steppe needs ${from.join(".")}; it was tried with ${tried}.`);
  else if (isBefore(to, at)) findings.warn(`${name} is newer than what Steppe was tried with`, `That is ${tried}.`);
  else findings.ok(name);
}

function isBefore([major, minor]: Version, [otherMajor, otherMinor]: Version): boolean {
  return major === otherMajor ? minor < otherMinor : major < otherMajor;
}
