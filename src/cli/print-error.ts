import type { SteppeError } from "../shared/errors.ts";
import type { Io } from "./io.ts";
import { printable, styleFor } from "../shared/style.ts";

/**
 * Says an error on standard error: `error: operation subject: cause [CODE]`, more lines if there are, and what to do. As JSON it is
 * one ErrorBody.
 */
export async function printError(io: Pick<Io, "stderr" | "env">, error: SteppeError, json: boolean): Promise<void> {
  if (json) {
    await io.stderr.write(`${JSON.stringify(error.toJSON())}\n`);
    return;
  }
  const style = styleFor(io.stderr, io.env);
  const lines = [`${style.red("error:")} ${printable(error.message)} ${style.dim(`[${error.code}]`)}`];
  for (const line of error.detail?.trimEnd().split("\n") ?? []) lines.push(`  ${printable(line)}`);
  if (error.hint !== "") lines.push(`hint: ${printable(error.hint)}`);
  await io.stderr.write(`${lines.join("\n")}\n`);
}
