import { hash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { CoreHost, SiteHandle } from "./core-host.ts";
import { FORM_BR, FORM_GZIP, FORM_ZSTD, SOURCE_OWN } from "./core/layout.ts";
import { CoreFault } from "./core-memory.ts";
import { FileBodies } from "./file-bodies.ts";
import { FileSender } from "./file-sender.ts";
import { hasVersion, scanFolder } from "./scan-folder.ts";
import { type FormPlace, SiteIndexMaker, type SiteOptions } from "./site-index-maker.ts";

/** How a folder is served. */
export type FolderOptions = Pick<SiteOptions, "cleanUrls" | "fallback" | "notFoundPage" | "serveHidden">;

/** What was found in a folder. */
interface Looked {
  folder: string;
  files: number;
  index: Buffer;
  problems: readonly string[];
}

/** Files at the root of a site that are for Steppe or other tools, not for visitors. */
const NOT_FOR_VISITORS: ReadonlySet<string> = new Set(["steppe.yaml", "Dockerfile"]);
const SUFFIXES = new Map<number, string>([
  [FORM_BR, ".br"],
  [FORM_ZSTD, ".zst"],
  [FORM_GZIP, ".gz"],
]);

/** A folder as it was when it was looked at, ready to be answered from. To be disposed of when another has taken its place. */
export class FolderSite implements Disposable {
  readonly site: SiteHandle;
  readonly sender: FileSender;
  /** How many files there are. */
  readonly files: number;
  /** What was not understood in `_headers` and `_redirects`. */
  readonly problems: readonly string[];
  readonly #core: CoreHost;
  readonly #bodies: FileBodies;

  private constructor(core: CoreHost, bodies: FileBodies, { folder, files, index, problems }: Looked) {
    this.#core = core;
    this.#bodies = bodies;
    this.site = core.load(index, folder);
    this.sender = new FileSender(core, this.#bodies, ownFile);
    this.files = files;
    this.problems = problems;
  }

  /**
   * Looks at a folder and makes a site of it. A file that lies beside another under its name with `.br`, `.zst` or `.gz`, and is not older, is its compressed form.
   * Rejects with USAGE if there is no such folder.
   *
   * @param folder absolute
   */
  static async open(core: CoreHost, folder: string, options: FolderOptions): Promise<FolderSite> {
    const { files, headers, redirects } = await scanFolder(folder, options.serveHidden === true);
    using maker = new SiteIndexMaker({ ...options, headers, redirects });
    const byPath = new Map(files.map((file) => [file.path, file]));
    let count = 0;
    for (const file of files) {
      if (NOT_FOR_VISITORS.has(file.path)) continue;
      const versions = [file.version];
      const form = (suffix: string): FormPlace | undefined => {
        const neighbour = byPath.get(`${file.path}${suffix}`);
        if (neighbour === undefined || neighbour.modifiedAt < file.modifiedAt) return undefined;
        versions.push(neighbour.version);
        return { size: neighbour.size };
      };
      const { path, modifiedAt } = file;
      const identity = { size: file.size };
      const forms = { br: form(".br"), zstd: form(".zst"), gzip: form(".gz") };
      const tag = hash("sha256", versions.join("\n"), "buffer");
      if (maker.add({ path, modifiedAt, identity, hash: tag, ...forms })) count++;
    }
    const { index, problems } = maker.finish(0);
    // Else a file that became longer would be sent cut off, under the tag of what it was.
    const isCurrent = (path: string, found: BigIntStats): boolean => hasVersion(found, byPath.get(path)?.version);
    return new FolderSite(core, new FileBodies({ folder, isCurrent }), { folder, files: count, index, problems });
  }

  /** Gives its memory and files back. What is being sent from it is sent to its end. */
  [Symbol.dispose](): void {
    this.#core.unload(this.site);
    this.sender.forget();
    this.#bodies.closeIdle();
  }
}

/** The body is a file of the folder itself. */
function ownFile(core: CoreHost): string {
  const { answer } = core;
  const { path } = answer;
  if (answer.source !== SOURCE_OWN || path === "" || path.split("/").some((name) => ["", ".", ".."].includes(name))) {
    throw new CoreFault("a file that is not of the folder");
  }
  return `${path}${SUFFIXES.get(answer.form) ?? ""}`;
}
