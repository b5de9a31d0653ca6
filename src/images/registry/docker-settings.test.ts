import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { dockerSettings } from "./docker-settings.ts";

test("certificates of a registry are those of its folders, by name; others are none of its", () => {
  using folder = temporaryFolder("certificates");
  const registry = "registry.example.com:5000";
  for (const [path, text] of [
    [`docker/${registry}`, "one"],
    [`containers/${registry}`, "two"],
    ["docker/registry.example.com", "other"],
  ] as const) {
    mkdirSync(folder.file(path), { recursive: true });
    writeFileSync(folder.file(`${path}/ca.crt`), text);
    writeFileSync(folder.file(`${path}/client.key`), "secret");
  }
  const settings = dockerSettings(new Set(["plain.example.com"]), [folder.file("docker"), folder.file("containers")]);
  expect(settings(registry)).toEqual({ ca: "one\ntwo" });
  expect(settings("ghcr.io")).toEqual({});
  expect(settings("plain.example.com")).toEqual({ insecure: true });
});

test("a certificate that cannot be read is an error that names it, and nothing is asked without it", () => {
  using folder = temporaryFolder("certificates");
  mkdirSync(folder.file("ghcr.io/ca.crt"), { recursive: true });
  expect(() => dockerSettings(new Set(), [folder.path])("ghcr.io")).toThrow("they cannot be read (EISDIR)");
});
