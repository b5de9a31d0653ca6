import type { Consul, OwnToken, Permission } from "../../../consul/index.ts";
import { Findings, isDenied } from "./report.ts";
import { checkVersion } from "./versions.ts";

interface Wanted extends Permission {
  /** What for, to be read behind "may". */
  says: string;
  rule: string;
  /** What happens without it, where deployments go on all the same. */
  without?: string;
}

/** What Steppe does at Consul: it looks; and while a release takes over it registers its instances a second time. */
const WANTED: readonly Wanted[] = [
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
  {
    resource: "service",
    access: "write",
    name: "",
    says: "register services",
    rule: 'service_prefix "" { policy = "write" }',
    without:
      "a request may find nobody at the moment when a release takes over, and servers of Nomad with `allow_unauthenticated = false` take no job",
  },
];

interface Asking {
  /** As the user gave it. */
  address: string;
  /** The keys that deployments write. */
  keys: readonly string[];
  signal: AbortSignal;
}

/** So many permissions can be asked for at once. */
const MOST_PERMISSIONS = 64;

/** Looks at Consul: that it is there, its version, its leader, and what our token may do. */
export async function checkConsul(consul: Consul, { address, keys, signal }: Asking): Promise<Findings> {
  const findings = new Findings("Consul");
  const leader = await findings.ask("not reached", signal, () => consul.status.leader({ signal }));
  if (findings.checks.length > 0) return findings;
  const hint = 'Its policy wants `agent_prefix "" { policy = "read" }`.';
  const self = await findings.permitted("read the agent's configuration", { hint, signal, isNeeded: false }, () =>
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
  await checkAccess(consul, [...WANTED, ...keys.map(writeOf)], findings, signal);
  return findings;
}

function writeOf(key: string): Wanted {
  const rule = `key "${key}" { policy = "write" }`;
  return { resource: "key", access: "write", name: key, says: `write the key ${key}`, rule };
}

async function checkAccess(
  consul: Consul,
  wanted: readonly Wanted[],
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const token = await findings.ask("our token", signal, () => ownToken(consul, signal));
  if (token === undefined) return;
  if (token === null)
    return findings.warn(
      "whoever reaches it may do everything (ACLs are off)",
      "Turn them on: `acl { enabled = true }`.",
    );
  if (token === "unknown")
    return findings.fail(
      "it knows no such token as was given",
      "Check CONSUL_HTTP_TOKEN, or what is in the file of CONSUL_HTTP_TOKEN_FILE; `consul acl token list` shows those that there are.",
    );
  const allowed = await findings.ask("what our token allows", signal, () => allAllowed(consul, wanted, signal));
  if (allowed === undefined) return;
  for (const [at, { says, rule, without }] of wanted.entries()) {
    if (allowed[at] === true) continue;
    const hint = `Its policy wants \`${rule}\`.`;
    if (without === undefined) findings.fail(`${nameOf(token)} may not ${says}`, hint);
    else findings.warn(`${nameOf(token)} may not ${says}: ${without}`, hint);
  }
  const keys = wanted.length > WANTED.length ? ", and write the keys of apps" : "";
  if (allowed.every(Boolean)) findings.ok(`${nameOf(token)} may read services and nodes, and register services${keys}`);
}

async function allAllowed(consul: Consul, wanted: readonly Wanted[], signal: AbortSignal): Promise<boolean[]> {
  const allowed: boolean[] = [];
  for (let at = 0; at < wanted.length; at += MOST_PERMISSIONS)
    allowed.push(...(await consul.acl.allows(wanted.slice(at, at + MOST_PERMISSIONS), { signal })));
  return allowed;
}

/** Null if there are no ACLs; `anonymous` if none was given, and `unknown` if one that is not there. */
async function ownToken(consul: Consul, signal: AbortSignal): Promise<OwnToken | "anonymous" | "unknown" | null> {
  try {
    return (await consul.acl.ownToken({ signal })) ?? null;
  } catch (error) {
    if (isDenied(error)) return consul.acl.hasToken ? "unknown" : "anonymous";
    throw error;
  }
}

function nameOf(token: OwnToken | "anonymous"): string {
  if (token === "anonymous") return "whoever has no token (set CONSUL_HTTP_TOKEN)";
  return `the token ${token.description === "" ? token.accessorId : token.description}`;
}
