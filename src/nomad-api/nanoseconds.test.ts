import fc from "fast-check";
import { expect, test } from "vitest";
import { Fields } from "../shared/json/fields.ts";
import { parseJson } from "../shared/json/parse-json.ts";
import { writeJson } from "../shared/json/write-json.ts";
import { milliseconds, nanoseconds, readNanoseconds } from "./nanoseconds.ts";
import { readDate, readTimestamp } from "./timestamps.ts";

test("milliseconds become nanoseconds and come back", () => {
  expect([nanoseconds(2000), nanoseconds(0.5), nanoseconds(0)]).toEqual([2_000_000_000n, 500_000n, 0n]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e14 }), (ms) => {
      expect(milliseconds(nanoseconds(ms))).toBe(ms);
    }),
  );
});

test("a duration longer than a JavaScript number counts is written and read with all its digits", () => {
  const year = nanoseconds(366 * 24 * 3600 * 1000 + 1);
  const text = writeJson({ Deadline: year });
  expect(text).toBe('{"Deadline":31622400001000000}');
  expect(readNanoseconds(Fields.of(parseJson(text)), "Deadline")).toBe(31622400001000000n);
  expect(milliseconds(readNanoseconds(Fields.of(parseJson('{"Wait":3000000000}')), "Wait"))).toBe(3000);
  expect(readNanoseconds(Fields.of({}), "Wait")).toBe(0);
});

test.each(['"3s"', "1.5", "true"])("%s is no duration", (json) => {
  const fields = Fields.of(parseJson(`{"Wait":${json}}`));
  expect(() => readNanoseconds(fields, "Wait")).toThrow("Wait is");
});

test("moments are milliseconds since 1970, to the nanosecond as Nomad writes them", () => {
  const fields = Fields.of(
    parseJson(
      `{"Time":1795500978874246227,"None":0,"Date":"2026-11-24T06:16:48.875926162Z","Zero":"0001-01-01T00:00:00Z","Null":null,"Odd":"soon"}`,
    ),
  );
  expect(readTimestamp(fields, "Time")).toBe(1_795_500_978_874);
  expect(readTimestamp(fields, "None")).toBeUndefined();
  expect(readTimestamp(fields, "Null")).toBeUndefined();
  expect(readDate(fields, "Date")).toBe(Date.UTC(2026, 10, 24, 6, 16, 48, 875));
  expect([readDate(fields, "Zero"), readDate(fields, "Null"), readDate(fields, "Missing")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(() => readDate(fields, "Odd")).toThrow("Odd is a text, not a date");
});
