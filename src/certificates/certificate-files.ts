import { randomBytes, X509Certificate } from "node:crypto";
import { readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import { errno } from "../shared/errors.ts";

const PARALLEL_WRITES = 16;

/** The folder of certificates that the ingress reads: PEM files with key and chain, never changed once they have their name. */
export class CertificateFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Writes files, mode 0600, and makes them durable; many at once, since each is waited for by the disk.
   *
   * @returns their names, in the same order
   */
  async write(certificates: ReadonlyArray<{ name: string; pem: string }>): Promise<string[]> {
    const files = certificates.map(({ name }) => fileNameOf(name));
    for (let start = 0; start < certificates.length; start += PARALLEL_WRITES) {
      const some = certificates.slice(start, start + PARALLEL_WRITES);
      await Promise.all(some.map(({ pem }, index) => this.#write(files[start + index] ?? "", pem)));
    }
    syncFolder(this.#folder);
    return files;
  }

  /** The certificate in a file; undefined if it is not there, or damaged. */
  read(file: string): X509Certificate | undefined {
    let pem: string;
    try {
      pem = readFileSync(join(this.#folder, file), "latin1");
    } catch (error) {
      if (errno(error) === "ENOENT") return undefined;
      throw error;
    }
    if (!pem.includes("-----END PRIVATE KEY-----")) return undefined;
    try {
      return new X509Certificate(pem);
    } catch {
      return undefined; // cut off by a crash: it is issued again
    }
  }

  /** Removes files that are not named, if they are older than `ageMs`: those that were just written are about to be. */
  removeOthers(named: ReadonlySet<string>, ageMs: number, now: number): string[] {
    const removed: string[] = [];
    for (const file of readdirSync(this.#folder)) {
      const path = join(this.#folder, file);
      if (named.has(file) || now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now) < ageMs) continue;
      rmSync(path, { force: true });
      removed.push(file);
    }
    return removed;
  }

  async #write(file: string, pem: string): Promise<void> {
    const path = join(this.#folder, file);
    const temporary = join(this.#folder, `.${file}.tmp`);
    try {
      await using handle = await open(temporary, "wx", 0o600);
      await handle.writeFile(pem);
      await handle.sync();
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** `blog.example.com-3f9a….pem`: for people, and new each time. */
function fileNameOf(name: string): string {
  const readable = name
    .replace(/^\*\./, "_wildcard.")
    .replace(/[^A-Za-z0-9_.-]/g, "_")
    .slice(0, 200);
  return `${readable}-${randomBytes(6).toString("hex")}.pem`;
}
