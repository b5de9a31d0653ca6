import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { shortNames } from "./short-names.ts";
import { toolEnvironment } from "./tool-environment.ts";

const NAME = "CONTAINERS_REGISTRIES_CONF";

test("buildah is told where images without a registry in their name are, unless the machine says that itself", () => {
  using folder = temporaryFolder("short-names");
  const [file, own] = [folder.file("data/registries.conf"), folder.file("config/containers/registries.conf")];
  const environment = { HOME: folder.path, XDG_CONFIG_HOME: folder.file("config") };
  const told = (given: Readonly<Record<string, string>>): string | undefined =>
    toolEnvironment("buildah", { ...given, ...shortNames(given, file) })[NAME];
  expect(told({ ...environment, [NAME]: "/etc/mine.conf" })).toBe("/etc/mine.conf");
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, 'unqualified-search-registries = ["registry.test"]\n');
  expect(told(environment)).toBeUndefined();
  writeFileSync(own, '# unqualified-search-registries = ["registry.test"]\n');
  if (told(environment) === undefined) return; // this machine's /etc says it
  expect(told(environment)).toBe(file);
  expect(readFileSync(file, "utf8")).toContain('["docker.io"]');
});
