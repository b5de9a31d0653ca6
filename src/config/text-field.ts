import * as z from "zod";
import { limits } from "./defaults.ts";
import { DURATION_PATTERN, parseDuration } from "./duration.ts";
import type { Parsed } from "./parsed.ts";

/** A field whose text `parse` reads. `hints` goes into the JSON Schema. */
export function textField<Value>(parse: (text: string) => Parsed<Value>, hints: { pattern?: string } = {}) {
  return z
    .string()
    .meta(hints)
    .transform((text, context): Value => {
      const parsed = parse(text);
      if ("value" in parsed) return parsed.value;
      context.addIssue({ code: "custom", message: parsed.problem, params: { text } });
      return z.NEVER;
    });
}

export function duration(range: readonly [number, number]) {
  const text = textField((value) => parseDuration(value, range), { pattern: DURATION_PATTERN });
  // A bare 0 is the one number that needs no unit.
  return range[0] === 0 ? z.union([text, z.literal(0)]) : text;
}

/** A duration of a definition, as a number. */
export function milliseconds([least, most]: readonly [number, number]) {
  return z
    .int()
    .min(least, { error: `is less than ${least} ms` })
    .max(most, { error: `is more than ${most} ms` });
}

export const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: "is no name of a variable: letters, digits and `_`, no digit first",
});

export const environment = z
  .record(
    variableName,
    textField((text) => (text.includes("\0") ? { problem: "has a NUL character in it" } : { value: text })),
  )
  .refine((variables) => Object.keys(variables).length <= limits.environment, {
    error: `has more than ${limits.environment} variables`,
  });
