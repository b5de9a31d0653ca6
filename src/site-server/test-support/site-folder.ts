import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { bytesOf, type DescribedSite } from "./write-site.ts";

const SUFFIXES = { br: ".br", zstd: ".zst", gzip: ".gz" } as const;

/** A described site as a folder, its compressed forms beside their files, as the native host serves it. */
export function siteFolder({ files, modified, headers, redirects }: DescribedSite): TemporaryFolder {
  const folder = temporaryFolder("site");
  const write = (path: string, content: Buffer | string): void => {
    const file = folder.file(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, modified, modified);
  };
  for (const { path, body, forms } of files) {
    write(path, bytesOf(body));
    for (const [form, content] of Object.entries(forms ?? {}) as ["br" | "zstd" | "gzip", string][]) {
      write(path + SUFFIXES[form], bytesOf(content));
    }
  }
  if (headers !== undefined) write("_headers", headers);
  if (redirects !== undefined) write("_redirects", redirects);
  return folder;
}
