/** A JSON value is not what it should be. */
export class ShapeError extends Error {
  /** Where: `[0].Service.Port`; empty for the whole. */
  readonly path: string;
  readonly expected: string;

  constructor(path: string, expected: string, found: unknown) {
    super(`${path === "" ? "it" : path} is ${kindOf(found)}, not ${expected}`);
    this.path = path;
    this.expected = expected;
  }
}

/** What it is, never what it holds: that may be a secret. */
function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "boolean") return "true or false";
  return typeof value === "string" ? "a text" : "a number";
}
