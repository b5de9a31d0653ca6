import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { dataPaths } from "../../src/store/index.ts";
import { rooms } from "./rooms.ts";

const page = readFileSync(fileURLToPath(new URL("../../ARCHITECTURE.md", import.meta.url)), "utf8");

test("ARCHITECTURE.md describes every room", () => {
  const described = new Set([...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, room]) => room));
  const wanted = new Set(Object.keys(rooms).map((room) => room.split("/")[0]));
  expect([...wanted].filter((room) => !described.has(room))).toEqual([]);
});

test("ARCHITECTURE.md describes everything in the data folder", () => {
  const described = new Set([...page.matchAll(/^\| `([a-z.]+)\/?` +\|/gm)].map(([, name]) => name));
  const { root, ...paths } = dataPaths("/data");
  const names = new Set(Object.values(paths).map((path) => path.slice(root.length + 1).split("/")[0]));
  expect([...names].filter((name) => !described.has(name))).toEqual([]);
});
