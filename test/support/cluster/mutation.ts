/** What a POST asks that changes nothing. */
const QUESTIONS = [/^\/v1\/job\/[^/]+\/plan$/, /^\/v1\/jobs\/parse$/, /^\/v1\/search$/, /^\/v1\/validate\/job$/];

/** A request's path, without its query. */
export function pathOf(target: string): string {
  return target.split("?", 1)[0] ?? "";
}

/** Whether a request to Nomad, Consul or Fabio changes something there. */
export function isMutation({ method, target }: { method: string; target: string }): boolean {
  if (method === "GET" || method === "HEAD") return false;
  return !QUESTIONS.some((question) => question.test(pathOf(target)));
}
