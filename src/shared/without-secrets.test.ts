import { expect, test } from "vitest";
import { withoutSecrets } from "./without-secrets.ts";

test.each([
  ["http://127.0.0.1:8500", "http://127.0.0.1:8500"],
  ["127.0.0.1:8500/path", "127.0.0.1:8500/path"],
  ["http://me:secret@127.0.0.1:99999", "http://…@127.0.0.1:99999"],
  ["me:sec@ret/@host:99999", "…@host:99999"],
  ["ftp://me:sec ret@\nhost", "ftp://…@\nhost"],
  ["http://host?token=secret", "http://host?…"],
  ["http://me:what?secret@host", "http://…@host"],
])("%j is told as %j", (text, told) => {
  expect(withoutSecrets(text)).toBe(told);
});
