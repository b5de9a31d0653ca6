import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { buildNative, versionOfPackage } from "./build-native.ts";
import { writeImage } from "./oci-image.ts";
import { type Component, makeSbom } from "./sbom.ts";
import { packageVersion, targets } from "./toolchain.ts";

// Builds the native host of the site server for each machine, and the image `steppe/static` with it, into dist/site-server:
// the binaries, the OCI layout `oci`, and `sbom.spdx.json`.
const folder = fileURLToPath(new URL("../../dist/site-server", import.meta.url));

const version = versionOfPackage();
const binaries = await buildNative(join(folder, "build"), targets);
mkdirSync(folder, { recursive: true });
for (const { architecture, content } of binaries) {
  const path = join(folder, `steppe-static-${architecture}`);
  writeFileSync(path, content);
  chmodSync(path, 0o755);
}
const sizes = writeImage(join(folder, "oci"), binaries, version);
writeFileSync(join(folder, "sbom.spdx.json"), makeSbom(binaries, await linkedComponents(), version));
for (const { architecture, pulled, unpacked } of sizes) {
  stdout.write(`steppe/static:${version} ${architecture}: ${unpacked} bytes, ${pulled} bytes to pull\n`);
}

async function linkedComponents(): Promise<Component[]> {
  return [
    { name: "musl", version: await packageVersion("musl-dev"), license: "MIT", source: "https://musl.libc.org/" },
    {
      name: "libgcc",
      version: await packageVersion("libgcc-12-dev"),
      license: "GPL-3.0-or-later WITH GCC-exception-3.1",
      source: "https://gcc.gnu.org/",
    },
    {
      name: "wabt",
      version: await packageVersion("wabt"),
      license: "Apache-2.0",
      source: "https://github.com/WebAssembly/wabt",
    },
  ];
}
