/** What a token is for, as the token protocol writes it: `repository:team/site:pull,push`. */
export type Scope = string;

/** The scope of reading from a repository, or of reading and writing. */
export function repositoryScope(repository: string, access: "pull" | "push"): Scope {
  return `repository:${repository}:${access === "push" ? "pull,push" : "pull"}`;
}

/** The actions of the same resource together, sorted: so the same wishes make the same key. */
export function mergeScopes(scopes: readonly Scope[]): Scope[] {
  const wanted = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const colon = scope.lastIndexOf(":");
    const resource = scope.slice(0, Math.max(0, colon));
    const actions = wanted.get(resource) ?? new Set();
    wanted.set(resource, actions);
    for (const action of scope.slice(colon + 1).split(",")) actions.add(action);
  }
  return [...wanted]
    .map(([resource, actions]) => {
      const list = [...actions].sort().join(",");
      return resource === "" ? list : `${resource}:${list}`;
    })
    .sort();
}

/** The scopes of a challenge, which parts them by spaces. */
export function splitScopes(text: string | undefined): Scope[] {
  return (text ?? "").split(/\s+/).filter((scope) => scope !== "");
}
