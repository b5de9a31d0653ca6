import { expect, test } from "vitest";
import { createdAt } from "./index.ts";

test.each([
  ['{"created":"2026-11-24T10:00:00.123456789Z"}', Date.UTC(2026, 10, 24, 10, 0, 0, 123)],
  ['{"created":"2026-11-24T12:00:00+02:00"}', Date.UTC(2026, 10, 24, 10)],
  ['{"created":"1970-01-01T00:00:00Z"}', null],
  ['{"created":"1980-01-01T00:00:01Z"}', null],
  ['{"created":7}', null],
  ['{"created":"soon"}', null],
  ["{}", null],
  ["[", null],
])("the config %s was made at %j", (config, time) => {
  expect(createdAt(Buffer.from(config))).toBe(time);
});
