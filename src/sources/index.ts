export type { GitOptions } from "./git.ts";
export { answerThrough, type GitAnswer, goneSignal } from "./git-answer.ts";
export { Poller, type PollerOptions } from "./poller.ts";
export type { RefChanges } from "./ref-changes.ts";
export { type Ref, shortName } from "./refs.ts";
export { parseRemote, type RemoteAddress } from "./remote-address.ts";
export { Repositories, type RepositoriesOptions } from "./repositories.ts";
export { type RefChoice, type RefPatterns, selectRef } from "./select-ref.ts";
export type { GitLimits, GitRequest } from "./serve-git.ts";
