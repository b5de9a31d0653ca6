import { readFileSync } from "node:fs";

/** Put in by `scripts/build.ts`; not there while Node runs the TypeScript as it is. */
declare const STEPPE_VERSION: string | undefined;

/** The version of this Steppe, as package.json says it. */
export const version: string = typeof STEPPE_VERSION === "undefined" ? versionOfPackage() : STEPPE_VERSION;

function versionOfPackage(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
