import fc from "fast-check";
import { expect, test } from "vitest";
import { sameSecret, secretOf } from "./credentials.ts";

test("secrets are the same only if they are, and an empty one never", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(sameSecret(one, other)).toBe(one === other && one !== "");
      expect(sameSecret(one, one)).toBe(one !== "");
    }),
  );
});

test("reading a header never throws, and finds what was put in", () => {
  fc.assert(fc.property(fc.string(), (header) => void secretOf(header)));
  fc.assert(
    fc.property(
      fc.string().filter((user) => !user.includes(":")),
      fc.string(),
      (user, secret) => {
        const header = `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
        expect(secretOf(header)).toBe(Buffer.from(secret).toString("utf8"));
      },
    ),
  );
});
