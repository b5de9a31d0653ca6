import { expect, test } from "vitest";
import { describeAccess } from "./access-line.ts";
import { formatSecond } from "./human.ts";

const record = {
  time: Date.UTC(2026, 0, 31, 10, 41, 7),
  app: "blog",
  release: 3,
  scheme: "https",
  host: "blog.test",
  method: "GET",
  path: "/x",
  status: 404,
  bytes: 2048,
  ms: 1.09,
  remote: "192.0.2.7",
  userAgent: "curl",
};
const when = formatSecond(record.time);

test("a line of the access log is said for people", () => {
  const said = `${when}  404  GET https://blog.test/x  2.0 KiB  1.1 ms  192.0.2.7`;
  expect(when).toMatch(/^2026-\d\d-\d\d \d\d:\d\d:07$/);
  expect(describeAccess(JSON.stringify(record))).toBe(said);
  expect(describeAccess(JSON.stringify({ ...record, aborted: true, error: "EIO" }))).toBe(`${said}  cut short  EIO`);
});

test.each(["", "GET / 200", '{"time":1', "null", "7", "{}", '{"time":"x","bytes":1,"ms":1}'])("%s stays", (line) => {
  expect(describeAccess(line)).toBe(line);
});
