import type { Encoding, Tree, TreeEntry } from "../types.ts";
import { type Encoder, encodersFor, isCompressible, isWorthKeeping } from "../encoders.ts";
import type { LayerFile } from "./pack-layer.ts";
import type { SiteContent } from "./site-content.ts";

/** What `steppe/static` looks for beside a file. */
const SUFFIXES: Readonly<Record<Encoding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };
const LONGEST_PATH = 1024;

/** The compressed forms of a site's files, made when they are asked for. */
export interface CompressedForms {
  /** The names of the encoders, which tell what they make. */
  encoders: readonly string[];
  /** Which forms are to be tried of a file: those that shrink, and are not in the site by themselves. */
  wanted(entry: TreeEntry): readonly Encoder[];
  /** The forms of these files that save enough. */
  of(entries: readonly TreeEntry[]): AsyncGenerator<LayerFile, void, void>;
}

/** @param isQuick whether somebody waits for them: then a small site's are no smaller than a large one's */
export function compressedForms(tree: Tree, content: SiteContent, isQuick: boolean): CompressedForms {
  const paths = new Set(tree.map(({ path }) => path));
  const bytes = tree.reduce((sum, { path, size }) => sum + (isCompressible(path, size) ? size : 0), 0);
  const encoders = encodersFor(isQuick ? Number.POSITIVE_INFINITY : bytes);
  const wanted = ({ path, size }: TreeEntry): Encoder[] => {
    if (!isCompressible(path, size)) return [];
    return encoders.filter(({ form }) => {
      const name = path + SUFFIXES[form];
      return !paths.has(name) && Buffer.byteLength(name) <= LONGEST_PATH;
    });
  };
  return {
    encoders: encoders.map(({ name }) => name),
    wanted,
    async *of(entries) {
      for (const entry of entries) {
        const chosen = wanted(entry);
        if (chosen.length === 0) continue;
        const whole = await content.whole(entry.hash);
        const forms = await Promise.all(chosen.map((encoder) => encoder.encodeAside(whole)));
        for (const [i, form] of forms.entries()) {
          const encoder = chosen[i];
          if (encoder === undefined || !isWorthKeeping(entry.size, form.length)) continue;
          yield { path: entry.path + SUFFIXES[encoder.form], size: form.length, content: [form] };
        }
      }
    },
  };
}

/** Names the forms that are made of these files. */
export function formsKey({ wanted, encoders }: CompressedForms, entries: readonly TreeEntry[]): string {
  return [
    "forms",
    ...encoders,
    ...entries.map((entry) =>
      wanted(entry)
        .map(({ form }) => form[0])
        .join(""),
    ),
  ].join(",");
}
