import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isMissingPeer, peers } from "./support/peers.ts";

const ci = readFileSync(fileURLToPath(new URL("../.ci/run", import.meta.url)), "utf8");

test("CI installs the package of every program that tests run against, and no other", () => {
  const list = /^packages=\(\n([^)]*)\)/m.exec(ci)?.[1] ?? "";
  const wanted = new Set(Object.values(peers).map((peer) => peer.package));
  expect(list.trim().split(/\s+/)).toEqual([...wanted].sort());
});

test("a skip for want of a program is told from others", () => {
  expect(isMissingPeer("needs hugo of the Debian package hugo")).toBe(true);
  expect(isMissingPeer("this machine has no IPv6 loopback")).toBe(false);
  expect(isMissingPeer(undefined)).toBe(false);
});
