/** Not yet among TypeScript's declarations: https://tc39.es/proposal-json-parse-with-source/ */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** JSON in which a bigint is a number with all its digits: what `parseJson` read is written as it was. */
export function writeJson(value: unknown, indent?: number): string {
  const keepDigits = (_key: string, inner: unknown): unknown =>
    typeof inner === "bigint" ? rawJSON(String(inner)) : inner;
  return JSON.stringify(value, keepDigits, indent);
}
