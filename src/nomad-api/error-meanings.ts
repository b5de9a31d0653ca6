import type { ErrorCode } from "../shared/errors.ts";

/** What one of Nomad's texts means. */
export interface Meaning {
  /** What Nomad says. */
  says: RegExp;
  /** Of which statuses; of any error if it is not given. */
  status?: (status: number) => boolean;
  /** Of which operation; of any if it is not given. */
  operation?: string;
  code: ErrorCode;
  /** In our words, for what Nomad's do not make plain. */
  reason?: (match: RegExpExecArray) => string;
  hint?: string;
  /** Whether it passes by itself. */
  transient?: true;
}

const isFault = (status: number): boolean => status >= 500;
/** What a proxy says of Nomad is another matter. */
const isNomads = (status: number): boolean => status <= 500;

const CHANGED_HINT = "`steppe drift APP` shows what was changed; with `--overwrite` the next deployment overwrites it.";

/**
 * Nomad answers 500, with a text, for much that is no fault of its own. The first that fits counts. The texts are in
 * https://github.com/hashicorp/nomad/blob/v1.6.0/nomad/structs/errors.go, nomad/job_endpoint.go and nomad/state/state_store.go.
 */
export const meanings: readonly Meaning[] = [
  // somebody else was first
  {
    says: /Enforcing job modify index \d+: job already exists/,
    code: "NOMAD_JOB_CHANGED",
    reason: () => "there is such a job already",
    hint: "Give the app another name, or remove that job first (`nomad job stop -purge JOB`).",
  },
  {
    says: /Enforcing job modify index (\d+): job exists with conflicting job modify index: (\d+)/,
    code: "NOMAD_JOB_CHANGED",
    reason: ([, wanted, found]) => `somebody changed the job in between (its index is ${found}, not ${wanted})`,
    hint: CHANGED_HINT,
  },
  {
    says: /Enforcing job modify index \d+: job does not exist/,
    code: "NOMAD_JOB_CHANGED",
    reason: () => "somebody removed the job in between",
    hint: "Deploy again: that makes it anew.",
  },
  {
    says: /Current job has version (\d+); enforcing version (\d+)/,
    code: "NOMAD_JOB_CHANGED",
    reason: ([, found, wanted]) => `somebody changed the job in between (its version is ${found}, not ${wanted})`,
    hint: CHANGED_HINT,
  },
  // deployments
  {
    says: /Task group "([^"]*)" has (\d+)\/(\d+) healthy allocations/,
    code: "NOMAD_DEPLOYMENT_UNREADY",
    reason: ([, group, healthy, wanted]) => `${healthy} of ${wanted} canaries of ${group} are healthy`,
  },
  { says: /Canary allocation .* is not healthy/, code: "NOMAD_DEPLOYMENT_UNREADY" },
  {
    says: /no canaries to promote/,
    code: "NOMAD_DEPLOYMENT_UNREADY",
    hint: "Its canaries are not placed yet, or it has none: `nomad deployment status ID`.",
  },
  {
    says: /can't .* terminal deployment/,
    code: "NOMAD_DEPLOYMENT_OVER",
    reason: () => "the deployment has come to its end",
  },
  // what is not there
  {
    says: /can't revert to current version/,
    code: "NOMAD_REFUSED",
    reason: () => "that version is the current one",
    hint: "There is nothing to go back to.",
  },
  {
    says: /at version (\d+) not found/,
    code: "NOMAD_NOT_FOUND",
    reason: ([, version]) => `Nomad does not have version ${version} of it, or not any more`,
    hint: "Nomad keeps six versions of a job; an older release is registered anew.",
  },
  {
    says: /nonexistent namespace|namespace .* (not found|does not exist)/i,
    code: "NOMAD_NOT_FOUND",
    hint: "Check NOMAD_NAMESPACE; `nomad namespace list` shows those that there are.",
  },
  {
    says: /No path to region/,
    code: "NOMAD_NOT_FOUND",
    hint: "There is no such region, or no way to it: check NOMAD_REGION; `nomad server members` shows those that there are.",
  },
  {
    says: /UUID must be 36 characters|must be even length|invalid UUID|encoding\/hex/i,
    code: "NOMAD_REFUSED",
    reason: () => "that is no whole id",
    hint: "Give the whole id, of 36 characters.",
  },
  // access
  {
    says: /ACL token (not found|expired|is invalid)/i,
    code: "NOMAD_DENIED",
    hint: "There is no such token, or no longer: check NOMAD_TOKEN.",
  },
  {
    says: /ACL support disabled/i,
    code: "NOMAD_REFUSED",
    hint: "This Nomad has no ACLs; nothing of the kind is needed.",
  },
  // servers with `allow_unauthenticated = false`
  {
    says: /consul token denied: .* to write (?:Connect )?service "([^"]*)"/i,
    code: "NOMAD_DENIED",
    reason: ([, service]) =>
      `Nomad wants a token of Consul that may write the job's services, and Steppe's may not write ${service}`,
    hint: 'The policy of CONSUL_HTTP_TOKEN wants `service_prefix "" { policy = "write" }`.',
  },
  {
    says: /consul token denied: .* to use template/i,
    code: "NOMAD_DENIED",
    reason: () =>
      "Nomad wants a token of Consul that may read all keys, since the job has templates, and Steppe's may not",
    hint: 'The policy of CONSUL_HTTP_TOKEN wants `key_prefix "" { policy = "read" }`.',
  },
  {
    says: /consul token denied: missing/i,
    operation: "revert the job",
    code: "NOMAD_DENIED",
    reason: () => "Nomad wants a token of Consul with each job",
    hint: "Set CONSUL_HTTP_TOKEN. Before 1.3.10, and 1.4 before 1.4.5, Nomad does not look at it here; the app's next deployment, or a rollback, goes on all the same.",
  },
  {
    says: /consul token denied: missing/i,
    code: "NOMAD_DENIED",
    reason: () => "Nomad wants a token of Consul with each job, and Steppe has none, or one that is no UUID",
    hint: "Set CONSUL_HTTP_TOKEN to the secret of one that may write services.",
  },
  {
    says: /consul token denied: unable to read consul token: .*(ACL not found|\b403\b)/i,
    code: "NOMAD_DENIED",
    reason: () => "Nomad wants a token of Consul with each job, and Consul knows no such token as Steppe has",
    hint: "Check CONSUL_HTTP_TOKEN, or what is in the file of CONSUL_HTTP_TOKEN_FILE; `consul acl token list` shows those that there are.",
  },
  {
    says: /consul token denied: unable to read consul token/i,
    code: "NOMAD_UNREACHABLE",
    reason: () => "Nomad wants a token of Consul with each job, and cannot ask Consul about it",
    hint: "Nomad's servers do not reach their Consul: `consul members` there.",
    transient: true,
  },
  {
    says: /job-submitter consul token denied/i,
    code: "NOMAD_DENIED",
    reason: () =>
      "Nomad wants a token of Consul with each job, and does not find that Steppe's may do what the job wants",
    hint: 'To look that up, the token of Nomad\'s own in `consul` of its servers wants `acl = "read"`.',
  },
  // An operating system writes it small.
  { says: /Permission denied/, code: "NOMAD_DENIED" },
  {
    says: /HTTP request to an HTTPS server/i,
    code: "NOMAD_REFUSED",
    hint: "It speaks TLS: begin NOMAD_ADDR with https://.",
  },
  {
    says: /(registration|dispatch).* disabled by the scheduler/i,
    code: "NOMAD_REFUSED",
    hint: "An operator switched it off: `nomad operator scheduler get-config`.",
  },
  // what passes
  {
    says: /No cluster leader|not the leader|leadership (lost|transfer)|Not ready to serve consistent reads/i,
    code: "NOMAD_UNREACHABLE",
    hint: "Its servers are choosing a leader, or too few of them are there: `nomad server members`.",
    transient: true,
  },
  {
    says: /event dropped from buffer|subscription closed/i,
    code: "NOMAD_UNREACHABLE",
    hint: "The stream is opened again; if it recurs, raise `event_buffer_size` of the servers.",
    transient: true,
  },
  {
    says: /No path to node|Unable to determine Nomad version|Node does not support RPC/i,
    code: "NOMAD_UNREACHABLE",
    hint: "The node of the allocation is away: `nomad node status`.",
  },
  {
    says: /rpc error|failed to (get conn|start stream)|i\/o timeout|connection re(set|fused)|session shutdown|shutting down|No servers|EOF$/i,
    status: isFault,
    code: "NOMAD_UNREACHABLE",
    hint: "The agent does not reach its servers: `nomad server members`.",
    transient: true,
  },
  // groups and tasks
  { says: /task group .* does not exist/i, code: "NOMAD_NOT_FOUND", hint: "The job has no group of that name." },
  {
    says: /unknown task|no such task|task .* (not running|does not exist)|could not find task/i,
    code: "NOMAD_NOT_FOUND",
    hint: "The task does not run there: `nomad alloc status ID` shows what does.",
  },
  {
    says: /not found|^Unknown (job|allocation|evaluation|deployment|node)/i,
    status: isNomads,
    code: "NOMAD_NOT_FOUND",
  },
  // jobs that Nomad does not take
  { says: /[^]/, status: (status) => status === 400, operation: "parse the job", code: "NOMAD_JOB_INVALID" },
  {
    says: /errors? occurred:|validation failed|Missing job|Job must be specified|Job ID does not match/i,
    code: "NOMAD_JOB_INVALID",
  },
  {
    says: /^$/,
    status: (status) => status === 404 || status === 405,
    code: "NOMAD_REFUSED",
    hint: "This Nomad may be too old for that, or NOMAD_ADDR names something else.",
  },
];
