/**
 * Reads JSON without losing digits. Numbers under a key that ends in `Index` (ModifyIndex, JobModifyIndex, Index, …) are bigints, always:
 * Consul and Nomad count in 64 bits, and a JavaScript number has 53. Any other whole number that a number cannot hold exactly is a bigint, too, so that
 * what is read and written again says the same. All other numbers are numbers.
 *
 * Throws SyntaxError if it is no JSON, or nested so deeply that it cannot be read.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits);
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxError("it is nested too deeply", { cause: error });
    throw error;
  }
}

/** @param context the number as it stands in the text: https://tc39.es/proposal-json-parse-with-source/ */
function keepDigits(key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source ?? "";
  const whole = /^-?\d+$/.test(source);
  return whole && (key.endsWith("Index") || !Number.isSafeInteger(value)) ? BigInt(source) : value;
}
