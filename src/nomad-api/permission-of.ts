import type { Purpose } from "../shared/http-api/purpose.ts";

const capability = (name: string): string => `the capability \`${name}\` of the namespace`;

/** By what is done to what. Each endpoint's page tells which it wants: https://developer.hashicorp.com/nomad/api-docs */
const WANTED: ReadonlyArray<readonly [does: RegExp, permission: string]> = [
  [/^(register|plan|stop|revert|mark|scale|evaluate) the job /, capability("submit-job")],
  [/^(promote|fail|pause) the deployment /, capability("submit-job")],
  [/^parse the job /, capability("parse-job")],
  [/^list Nomad's jobs$/, capability("list-jobs")],
  [/^read (stdout|stderr) of the task /, capability("read-logs")],
  [/^(list Nomad's (nodes|servers)$|read the node )/, '`node { policy = "read" }`'],
  [/^ask the Nomad agent /, '`agent { policy = "read" }`'],
  [/^(stop|restart|send \S+ to) the allocation /, capability("alloc-lifecycle")],
];

/** What a token's policy has to allow for a call, for people: Nomad itself says only that it is denied. */
export function permissionOf({ operation, subject }: Purpose): string {
  const call = `${operation} ${subject}`;
  return WANTED.find(([does]) => does.test(call))?.[1] ?? capability("read-job");
}
