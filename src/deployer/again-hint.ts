import { SteppeError } from "../shared/errors.ts";
import type { Deployment } from "./types.ts";

/**
 * The error of a failed deployment, whose hint also says how to try again: git finds nothing to push of a tag that it has pushed, whatever
 * became of it.
 */
export function withAgainHint(error: SteppeError, { app, source }: Deployment): SteppeError {
  const [, kind, name = ""] = source.kind === "ref" ? (/^refs\/(tag|head)s\/(.+)$/s.exec(source.ref) ?? []) : [];
  if (kind === undefined || error.code === "DEPLOYMENT_SUPERSEDED" || error.code === "APP_NOT_FOUND") return error;
  const command = `steppe deploy ${app} --${kind === "tag" ? "tag" : "branch"} ${shellWord(name)}`;
  const hint = `${error.hint} To try the same again: \`${command}\`.`;
  return new SteppeError(error.code, { ...error.toJSON(), hint }, { cause: error });
}

/** A name of git's may hold what a shell would obey. */
function shellWord(text: string): string {
  return /^[\w./@+][\w./@+-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
