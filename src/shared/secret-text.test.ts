import { expect, test } from "vitest";
import { holdsSecret } from "./secret-text.ts";

test.each([
  "--token=abc",
  "postgres://u:pw@db.test/blog",
  "git::https://u:p@git.test/x",
  "A=1\nDB_PASSWORD=s3cret\n",
  '{"token": "abc"}',
])("%s holds one", (text) => {
  expect(holdsSecret(text)).toBe(true);
});

test.each(["", "--token", "--log=info", "postgres://u@db.test:5432/blog", "TOKEN=${TOKEN}", "PASSWORD={{ key }}"])(
  "%s holds none",
  (text) => {
    expect(holdsSecret(text)).toBe(false);
  },
);
