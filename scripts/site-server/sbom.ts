import { createHash } from "node:crypto";
import type { Binary } from "./oci-image.ts";

/** What of others is linked into the binaries. */
export interface Component {
  name: string;
  version: string;
  /** SPDX expression. */
  license: string;
  /** Where it came from. */
  source: string;
}

/**
 * The bill of materials of the binaries, as SPDX 2.3 JSON. The same bytes for the same binaries and components.
 * https://spdx.github.io/spdx-spec/v2.3/
 */
export function makeSbom(binaries: readonly Binary[], components: readonly Component[], version: string): string {
  const files = binaries.map(({ architecture, content }) => ({
    SPDXID: `SPDXRef-File-${architecture}`,
    fileName: `./steppe-static-${architecture}`,
    fileTypes: ["BINARY"],
    checksums: [
      { algorithm: "SHA1", checksumValue: createHash("sha1").update(content).digest("hex") },
      { algorithm: "SHA256", checksumValue: createHash("sha256").update(content).digest("hex") },
    ],
    licenseConcluded: "NOASSERTION",
    copyrightText: "NOASSERTION",
  }));
  const own = packageOf("steppe-static", version, "Apache-2.0", "NOASSERTION");
  const others = components.map(({ name, version, license, source }) => packageOf(name, version, license, source));
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `steppe-static-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/steppe-static-${version}-${digestOf(files)}`,
    // A fixed time: what is described by its hash does not become another thing by being described again.
    creationInfo: { created: "1970-01-01T00:00:00Z", creators: ["Tool: steppe build:site-server"] },
    documentDescribes: [own.SPDXID],
    packages: [own, ...others],
    files,
    relationships: [
      relationship("SPDXRef-DOCUMENT", "DESCRIBES", own.SPDXID),
      ...files.map((file) => relationship(own.SPDXID, "CONTAINS", file.SPDXID)),
      ...others.map((other) => relationship(own.SPDXID, "STATIC_LINK", other.SPDXID)),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function packageOf(name: string, version: string, license: string, source: string) {
  return {
    SPDXID: `SPDXRef-Package-${name.replaceAll(/[^a-zA-Z0-9.-]/g, "-")}`,
    name,
    versionInfo: version,
    downloadLocation: source,
    filesAnalyzed: false,
    licenseConcluded: license,
    licenseDeclared: license,
    copyrightText: "NOASSERTION",
  };
}

function relationship(from: string, type: string, to: string) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}

function digestOf(files: ReadonlyArray<{ checksums: ReadonlyArray<{ checksumValue: string }> }>): string {
  const hash = createHash("sha256");
  for (const { checksums } of files) for (const { checksumValue } of checksums) hash.update(checksumValue);
  return hash.digest("hex").slice(0, 32);
}
