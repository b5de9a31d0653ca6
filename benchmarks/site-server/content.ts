import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";

/** What a server serves in a benchmark: path to content. */
export type Content = ReadonlyMap<string, Buffer>;

/** Pages of 1, 10 and 100 KB, a file of 10 MB, a page with compressed neighbours, and the page for what does not exist. */
export function benchmarkContent(): Content {
  const files = new Map<string, Buffer>([
    ["index.html", text(1024, "index")],
    ["404.html", text(512, "404")],
    ["1k.html", text(1024, "1k")],
    ["10k.html", text(10 * 1024, "10k")],
    ["100k.html", text(100 * 1024, "100k")],
    ["10m.bin", noise(10 * 1024 * 1024)],
  ]);
  const page = text(10 * 1024, "page");
  files.set("page.html", page);
  files.set("page.html.br", brotliCompressSync(page, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  files.set("page.html.gz", gzipSync(page, { level: 9 }));
  files.set("page.html.zst", zstdCompressSync(page));
  return files;
}

/** Adds pages of 4 KB until there are so many files: 100 to a folder. */
export function withManyFiles(content: Content, count: number): Content {
  const files = new Map(content);
  for (let index = 0; files.size < count; index++) {
    files.set(`section-${Math.floor(index / 100)}/page-${index}.html`, text(4096, `page ${index}`));
  }
  return files;
}

export function writeContent(folder: string, content: Content): void {
  for (const [path, bytes] of content) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

/** HTML of just so many bytes, whose words differ from seed to seed. */
function text(bytes: number, seed: string): Buffer {
  const head = `<!doctype html><html lang="en"><title>${seed}</title><p>`;
  const tail = "</p></html>\n";
  const words: string[] = [];
  for (let part = 0, length = 0; length < bytes; part++) {
    const word = createHash("sha256").update(`${seed}/${part}`).digest("hex").slice(0, 8);
    words.push(`${word} the grass of the steppe bends and does not break. `);
    length += words.at(-1)?.length ?? 0;
  }
  return Buffer.from(head + words.join("").slice(0, bytes - head.length - tail.length) + tail);
}

/** Bytes that do not compress. */
function noise(bytes: number): Buffer {
  const block = 32;
  const buffer = Buffer.alloc(bytes);
  let last = Buffer.from("steppe");
  for (let at = 0; at < bytes; at += block) {
    last = createHash("sha256").update(last).digest();
    last.copy(buffer, at);
  }
  return buffer;
}
