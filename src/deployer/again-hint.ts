import { SteppeError } from "../shared/errors.ts";
import type { Deployment } from "./types.ts";

/**
 * The error of a failed deployment, whose hint also says how to try again: git finds nothing to push of a tag that it has pushed, whatever
 * became of it.
 */
export function withAgainHint(error: SteppeError, { app, source }: Deployment): SteppeError {
  const what = optionOf(source);
  if (what === undefined || error.code === "DEPLOYMENT_SUPERSEDED" || error.code === "APP_NOT_FOUND") return error;
  const again = ` To try the same again: \`steppe deploy ${app} ${what}\`.`;
  // A deployment that was ended from outside passes here a second time.
  if (error.hint.endsWith(again)) return error;
  return new SteppeError(error.code, { ...error.toJSON(), hint: `${error.hint}${again}` }, { cause: error });
}

/** How the same is asked for; undefined of what cannot be asked for again. */
function optionOf(source: Deployment["source"]): string | undefined {
  if (source.kind === "image") return `--image ${source.reference}`;
  const [, kind, name = ""] = source.kind === "ref" ? (/^refs\/(tag|head)s\/(.+)$/s.exec(source.ref) ?? []) : [];
  return kind && `--${kind === "tag" ? "tag" : "branch"} ${shellWord(name)}`;
}

/** A name of git's may hold what a shell would obey. */
function shellWord(text: string): string {
  return /^[\w./@+][\w./@+-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
