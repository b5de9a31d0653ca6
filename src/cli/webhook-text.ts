import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { DeliveryView, Hint, WebhookSetup } from "../api/types.ts";
import { errno, SteppeError } from "../shared/errors.ts";
import type { Context } from "./context.ts";
import { count } from "./human.ts";
import { formatTable } from "./table.ts";

/** What to type in where, for people. */
export function describeSetup({ webhook, where, fields, block, notes }: WebhookSetup, context: Context): string {
  const { style } = context;
  return [
    style.bold(where),
    ...(fields.length === 0 ? [] : [formatTable(fields.map(({ name, value }) => [`  ${name}`, value]))]),
    ...(block === null ? [] : ["", block.replaceAll(/^(?=.)/gm, "  ")]),
    "",
    "This is the one time that the secret is shown.",
    ...notes.map((note) => `note: ${note}`),
    `Try it: steppe webhook test ${webhook.name}`,
  ].join("\n");
}

/** `v1 of registry.example.com/blog`, `refs/tags/v1 of https://…`. */
export function describeHint(hint: Hint): string {
  if (hint.kind === "ref")
    return `${hint.ref.replace(/^refs\/(tags|heads)\//, "")} of ${hint.repositoryUrls[0] ?? "?"}`;
  return `${hint.tag ?? "some tag"} of ${hint.registry}/${hint.repository}`;
}

/** What a delivery said and what came of that, a line for each hint. */
export function describeHints({ hints, hintCount }: DeliveryView): string[] {
  const lines = hints.map(
    ({ hint, outcome, settledAt }) =>
      `${describeHint(hint)}: ${settledAt === null ? "not acted on yet" : (outcome ?? "done")}`,
  );
  return hintCount > hints.length ? [...lines, `and ${count(hintCount - hints.length, "more hint")}`] : lines;
}

/** The verdict of a delivery, with why. */
export function describeVerdict({ verdict, reason }: DeliveryView, { style }: Context): string {
  const colour = { accepted: style.green, ignored: style.dim, refused: style.red }[verdict];
  return reason === null ? colour(verdict) : `${colour(verdict)}: ${reason}`;
}

/**
 * A secret that the sender made, from a file, or from standard input if that is `-`: an argument could be read by others. Undefined if no
 * file is named. Throws USAGE.
 */
export async function readSecret(file: string | undefined, { io }: Context): Promise<string | undefined> {
  if (file === undefined) return undefined;
  if (file === "-") return (await io.stdin.read()).trim();
  try {
    return readFileSync(resolve(io.cwd, file), "utf8").trim();
  } catch (error) {
    const cause = errno(error) === "ENOENT" ? "there is no such file" : String(error);
    const hint = "Give the file that holds the secret; `-` is standard input.";
    throw new SteppeError("USAGE", { operation: "read the secret from", subject: file, cause, hint }, { cause: error });
  }
}
