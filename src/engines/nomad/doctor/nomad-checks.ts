import { isNomadAway, type Nomad, type NodeSummary } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { Findings, isDenied } from "./report.ts";
import { checkVersion } from "./versions.ts";

/** So many nodes are asked for their details. */
const MOST_NODES = 50;

interface Asking {
  nomad: Nomad;
  /** As the user gave it. */
  address: string;
  namespace: string;
  /** Those that instances may be in; none: all. */
  datacenters: readonly string[];
  /** Whether we have one, which goes with each job. */
  hasConsulToken: boolean;
  signal: AbortSignal;
}

/** Looks at Nomad: that it is there, its version, its leader, its nodes with their drivers, and what our token may do. */
export async function checkNomad(asking: Asking): Promise<Findings> {
  const { nomad, signal } = asking;
  const findings = new Findings("Nomad");
  const leader = await findings.ask("not reached", signal, () => nomad.status.leader({ signal }));
  if (findings.checks.length > 0) return findings; // it is not there: nothing else would be
  if (leader === undefined)
    findings.fail("the servers have no leader", "Too few of them are there: `nomad server members`.");
  await checkAgent(asking, findings);
  if (leader !== undefined) findings.ok(`the servers have a leader, ${leader}`);
  if (!(await checkNamespace(asking, findings))) return findings; // nothing else would be permitted
  await checkNodes(asking, findings);
  await checkAccess(asking, findings);
  return findings;
}

async function checkAgent({ nomad, address, hasConsulToken, signal }: Asking, findings: Findings): Promise<void> {
  const hint = 'Its policy wants `agent { policy = "read" }`.';
  const self = await findings.permitted("read the agent's configuration", { hint, signal, isNeeded: false }, () =>
    nomad.agent.self({ signal }),
  );
  if (self === undefined) return;
  const kind = [self.isServer && "a server", self.isClient && "a client"]
    .filter((part) => part !== false)
    .join(" and ");
  checkVersion(
    findings,
    "Nomad",
    self.version,
    `at ${address}: ${kind}, region ${self.region}, datacenter ${self.datacenter}`,
  );
  if (self.hasAcl) findings.ok("it asks for tokens (ACLs are on)");
  else findings.warn("whoever reaches it may do everything (ACLs are off)", "Turn them on: `acl { enabled = true }`.");
  if (self.wantsConsulToken && hasConsulToken)
    findings.ok(
      "it wants a token of Consul with each job, one that may write its services, and Steppe gives it its own",
    );
  else if (self.wantsConsulToken)
    findings.fail(
      "it wants a token of Consul with each job, and Steppe has none",
      "Set CONSUL_HTTP_TOKEN to the secret of one that may write services.",
    );
  if (self.consulAddress === undefined)
    findings.fail(
      "the agent has no Consul",
      "Services are registered there: say `consul { address = … }` in its configuration.",
    );
}

/**
 * Of a namespace that is not there Nomad lists nothing, and says nothing. Every token may list those that it may do something in.
 *
 * @returns false if there is no such token
 */
async function checkNamespace({ nomad, namespace, signal }: Asking, findings: Findings): Promise<boolean> {
  const list = await findings.ask("the namespaces", signal, async () => {
    try {
      return (await nomad.namespaces.list({ signal })).value;
    } catch (error) {
      if (isDenied(error)) return null;
      throw error;
    }
  });
  if (list === null) {
    findings.fail(
      "it knows no such token as was given",
      "Check NOMAD_TOKEN, which is the secret of a token, and not its accessor; `nomad acl token list` shows those that there are.",
    );
    return false;
  }
  if (list === undefined || list.some(({ name }) => name === namespace)) return true;
  findings.fail(
    `there is no namespace ${namespace}, or the token may not see it`,
    "Check NOMAD_NAMESPACE; `nomad namespace list` shows those that there are.",
  );
  return true;
}

async function checkNodes({ nomad, datacenters, signal }: Asking, findings: Findings): Promise<void> {
  const hint = 'Its policy wants `node { policy = "read" }`.';
  const list = await findings.permitted("list the nodes", { hint, signal }, () => nomad.nodes.list({ signal }));
  if (list === undefined) return;
  const nodes = list.value;
  const usable = nodes.filter(({ status, isEligible, isDraining }) => status === "ready" && isEligible && !isDraining);
  if (usable.length === 0)
    findings.fail(
      "no node is ready for instances",
      "Start one: `nomad agent` with `client { enabled = true }`; `nomad node status` lists them.",
    );
  else
    findings.ok(
      `${usable.length} of ${nodes.length} ${nodes.length === 1 ? "node is" : "nodes are"} ready: ${some(usable.map(({ name }) => name))}`,
    );
  for (const node of nodes.filter((one) => !usable.includes(one)))
    findings.warn(
      `node ${node.name} takes no instances: ${whyNot(node)}`,
      `See \`nomad node status ${node.id.slice(0, 8)}\`.`,
    );
  checkDatacenters(datacenters, usable, findings);
  const withDocker = usable.filter(({ drivers }) => drivers["docker"]?.healthy === true);
  if (usable.length > 0 && withDocker.length === 0)
    findings.fail(
      "no node has the driver docker",
      "Start Docker there (`systemctl start docker`), or give apps another `run.driver`.",
    );
  for (const node of usable.slice(0, MOST_NODES)) await checkNode(node, { nomad, signal }, findings);
  if (usable.length > MOST_NODES)
    findings.warn(`only ${MOST_NODES} of ${usable.length} nodes were looked at`, "The others may be as well, or not.");
}

/** Where none is ready, no instance finds a place, and a name that is misspelled is one without nodes. */
function checkDatacenters(datacenters: readonly string[], usable: readonly NodeSummary[], findings: Findings): void {
  if (usable.length === 0) return;
  const there = [...new Set(usable.map(({ datacenter }) => datacenter))].sort();
  for (const wanted of datacenters) {
    // Since 1.5 Nomad takes `*` in them.
    const pattern = new RegExp(`^${wanted.split("*").map(RegExp.escape).join(".*")}$`);
    if (there.some((one) => pattern.test(one))) continue;
    findings.fail(
      `no node of the datacenter ${wanted} is ready for instances`,
      `Those that are ready are in ${some(there)}: check \`--datacenter\`.`,
    );
  }
}

async function checkNode(
  { id, name, drivers }: NodeSummary,
  { nomad, signal }: { nomad: Nomad; signal: AbortSignal },
  findings: Findings,
): Promise<void> {
  const details = await findings.ask(
    `node ${name}`,
    signal,
    async () => (await nomad.nodes.read(id, { signal })).value,
  );
  if (details === undefined) return;
  const { attributes } = details;
  const docker = drivers["docker"];
  if (docker?.healthy === true)
    findings.ok(`node ${name}: Docker ${attributes["driver.docker.version"] ?? "of an unknown version"}`);
  else if (docker?.detected === true)
    findings.warn(`node ${name}: Docker is not well: ${docker.description}`, "See `journalctl --unit docker` there.");
  else findings.warn(`node ${name} has no Docker`, "Only apps of another `run.driver` can run there.");
  if (attributes["consul.version"] === undefined)
    findings.fail(
      `node ${name} has no Consul`,
      "Services of its instances are not registered: run an agent of Consul there, and say so in `consul` of Nomad's configuration.",
    );
  else
    findings.ok(
      `node ${name}: Consul ${attributes["consul.version"]}, datacenter ${attributes["consul.datacenter"] ?? "unknown"}`,
    );
}

/** Tries what Steppe does there, or what wants the same permission and changes nothing. */
async function checkAccess({ nomad, namespace, signal }: Asking, findings: Findings): Promise<void> {
  const rule = (capability: string): string =>
    `Its policy wants \`namespace "${namespace}" { capabilities = ["${capability}"] }\`; \`policy = "write"\` has all that Steppe needs.`;
  const probe = {
    ID: "steppe-doctor",
    Name: "steppe-doctor",
    Type: "service",
    Datacenters: ["dc1"],
    TaskGroups: [probeGroup],
  };
  const may = <Value>(what: string, capability: string, ask: () => Promise<Value>): Promise<Value | undefined> =>
    findings.permitted(what, { hint: rule(capability), signal }, ask);
  const listed = await may("list jobs", "list-jobs", () => nomad.jobs.list({ signal }));
  const read = await may("read jobs", "read-job", () => nomad.allocations.list({ signal }));
  const submitted = await may("submit jobs", "submit-job", () =>
    tried(nomad.jobs.plan(probe, { diff: false, signal })),
  );
  const parsed = await may("parse jobspecs", "parse-job", () => tried(nomad.jobs.parse('job "probe" {}', { signal })));
  const running = read?.value.find(({ clientStatus }) => clientStatus === "running");
  const [task] = Object.keys(running?.tasks ?? {});
  const source = running === undefined || task === undefined ? undefined : { allocation: running.id, task };
  const log = source === undefined ? true : await logRead({ nomad, signal }, source, findings, rule("read-logs"));
  if ([listed, read, submitted, parsed].includes(undefined) || !log) return;
  const also = source === undefined ? "" : ", and logs read";
  findings.ok(`jobs of the namespace ${namespace} may be listed, read and submitted${also}`);
}

/** To plan a job, and to register it, the same is needed. What else Nomad says of the one here is of no interest. */
async function tried(work: Promise<unknown>): Promise<true> {
  try {
    await work;
  } catch (error) {
    if (isDenied(error) || !(error instanceof SteppeError) || isNomadAway(error)) throw error;
  }
  return true;
}

/** That an instance is gone meanwhile, or its node away, says nothing of permissions. */
async function logRead(
  { nomad, signal }: Pick<Asking, "nomad" | "signal">,
  source: { allocation: string; task: string },
  findings: Findings,
  hint: string,
): Promise<boolean> {
  try {
    await nomad.logs.read({ ...source, type: "stdout" }, { lastBytes: 1, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isDenied(error)) findings.fail("the token may not read logs", hint);
    return !isDenied(error);
  }
  return true;
}

const probeGroup = { Name: "probe", Tasks: [{ Name: "probe", Driver: "docker", Config: { image: "probe" } }] };

function whyNot({ status, statusDescription, isDraining, isEligible }: NodeSummary): string {
  if (status !== "ready")
    return statusDescription === "" ? `it is ${status}` : `it is ${status} (${statusDescription})`;
  if (isDraining) return "it is drained";
  return isEligible ? "" : "it is ineligible";
}

function some(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
}
