import type { Consul, Permission } from "../../../consul/index.ts";
import { Findings } from "./report.ts";
import { checkVersion } from "./versions.ts";

/** What Steppe does at Consul: it looks, and Nomad and Fabio register. */
const NEEDED: ReadonlyArray<Permission & { says: string; rule: string }> = [
  {
    resource: "service",
    access: "read",
    name: "",
    says: "read services",
    rule: 'service_prefix "" { policy = "read" }',
  },
  {
    resource: "node",
    access: "read",
    name: "",
    says: "read nodes and their checks",
    rule: 'node_prefix "" { policy = "read" }',
  },
];

/** Looks at Consul: that it is there, its version, its leader, and what our token may do. */
export async function checkConsul(consul: Consul, address: string, signal: AbortSignal): Promise<Findings> {
  const findings = new Findings("Consul");
  const leader = await findings.ask(`Consul at ${address}`, signal, () => consul.status.leader({ signal }));
  if (findings.checks.length > 0) return findings;
  const hint = 'Its policy wants `agent_prefix "" { policy = "read" }`.';
  const self = await findings.permitted("read the agent's configuration", hint, signal, () =>
    consul.agent.self({ signal }),
  );
  if (self !== undefined) {
    const kind = self.isServer ? "a server" : "a client";
    checkVersion(
      findings,
      "Consul",
      self.version,
      `at ${address}: ${kind}, datacenter ${self.datacenter}, node ${self.nodeName}`,
    );
  }
  if (leader === undefined)
    findings.fail("the servers have no leader", "Too few of them are there: `consul operator raft list-peers`.");
  else findings.ok(`the servers have a leader, ${leader}`);
  await checkAccess(consul, findings, signal);
  return findings;
}

async function checkAccess(consul: Consul, findings: Findings, signal: AbortSignal): Promise<void> {
  const token = await findings.ask("our token", signal, async () => (await consul.acl.ownToken({ signal })) ?? null);
  if (token === undefined) return;
  if (token === null)
    return findings.warn(
      "whoever reaches it may do everything (ACLs are off)",
      "Turn them on: `acl { enabled = true }`.",
    );
  const allowed = await findings.ask("what our token allows", signal, () => consul.acl.allows(NEEDED, { signal }));
  if (allowed === undefined) return;
  for (const [at, { says, rule }] of NEEDED.entries()) {
    if (allowed[at] !== true) findings.fail(`the token may not ${says}`, `Its policy wants \`${rule}\`.`);
  }
  if (allowed.every(Boolean))
    findings.ok(`the token ${token.description || token.accessorId} may read services and nodes`);
}
