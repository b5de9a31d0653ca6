import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mergeFragment } from "../job/merge-fragment.ts";
import { leftOver } from "./left-over.ts";

const value = fc.oneof(fc.integer({ min: 1 }), fc.string({ minLength: 1 }), fc.constant(true));
const list = fc.uniqueArray(fc.string({ minLength: 1 }));
const names = fc.constantFrom("Alpha", "Beta", "Gamma");
const part = fc.dictionary(names, fc.oneof(value, list, fc.dictionary(names, value)));

function merged(base: Record<string, unknown>, fragment: Record<string, unknown>): Record<string, unknown> {
  return mergeFragment(base, fragment, {
    isOwn: () => false,
    refuse: (path, problem) => {
      throw new Error(`${path} ${problem}`);
    },
  });
}

test("what is left over makes the part of the base, but for what the base has besides", () => {
  fc.assert(
    fc.property(part, part, (wanted, base) => {
      // A fragment cannot put a list in place of a value; what a job has in one place is of one kind.
      const alike = Object.fromEntries(
        Object.entries(base).filter(([key, inner]) => kind(inner) === kind(wanted[key])),
      );
      const made = merged(alike, leftOver(wanted, alike));
      for (const [key, inner] of Object.entries(wanted)) {
        if (Array.isArray(inner)) expect(made[key] ?? []).toEqual(expect.arrayContaining(inner));
        else if (kind(inner) === "map") expect(made[key] ?? {}).toMatchObject(inner as object);
        else expect(made[key]).toEqual(inner);
      }
    }),
  );
});

function kind(inner: unknown): string {
  return Array.isArray(inner) ? "list" : typeof inner === "object" ? "map" : inner === undefined ? "none" : "value";
}

test("nothing is left over of a part and itself", () => {
  fc.assert(
    fc.property(part, (same) => {
      expect(leftOver(same, same)).toEqual({});
    }),
  );
});

test("a 0 counts where Nomad would fill in something, and in what is a user's own", () => {
  const usual = { Restart: { Attempts: 2 } };
  expect(leftOver({ Restart: { Attempts: 0 } }, {}, { usual })).toEqual({ Restart: { Attempts: 0 } });
  expect(leftOver({ Restart: { Attempts: 2, Mode: "" } }, {}, { usual })).toEqual({});
  expect(leftOver({ Env: { A: "" }, Other: { A: "" } }, {})).toEqual({ Env: { A: "" } });
  expect(leftOver({ Env: { A: "", B: "1" } }, { Env: { B: "1" } })).toEqual({ Env: { A: "" } });
});

test("below what is not in the other at all, a 0 or false counts where Nomad would fill in something else", () => {
  const Vault = { Env: false, Policies: ["a"], Namespace: "", Role: null };
  const Scaling = { Enabled: false, Min: 0, Max: 10, Policy: {} };
  const Checks = [
    { Type: "tcp", CheckRestart: { Limit: 3, Grace: 0, IgnoreWarnings: false }, Expose: false, Args: null },
  ];
  expect(leftOver({ Vault, Scaling, Checks, Leader: false, ShutdownDelay: 0 }, {})).toEqual({
    Vault: { Env: false, Policies: ["a"] },
    Scaling: { Enabled: false, Min: 0, Max: 10 },
    Checks: [{ Type: "tcp", CheckRestart: { Limit: 3, Grace: 0, IgnoreWarnings: false } }],
  });
});

test("durations are the same as numbers and as bigints", () => {
  expect(leftOver({ Delay: 5_000_000_000 }, { Delay: 5_000_000_000n })).toEqual({});
});
