import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fillIn } from "./configuration.ts";

const run = { root: "/srv/root", temporary: "/tmp/x", port: 8080, features: new Set(["logged"]) };

test("places are filled in, and lines of features that a run has not are left out", () => {
  const template = "root @ROOT@;\n  #logged#log @TMP@/log @PORT@;\n#bare#log off;\n# a comment\n";
  expect(fillIn(template, run)).toBe("root /srv/root;\n  log /tmp/x/log 8080;\n# a comment\n");
});

test.each(["nginx.conf", "lighttpd.conf", "Caddyfile", "httpd.conf"])("%s has nothing left to fill in", (name) => {
  const text = fillIn(readFileSync(join(import.meta.dirname, name), "utf8"), run);
  expect(text).not.toMatch(/@[A-Z]+@|#[a-z]+#[^`]*$/m);
  expect(text).toContain("/srv/root");
});
