/** One thing that a visitor asks for, again and again. */
export interface Case {
  name: string;
  path: string;
  /** The file whose content is the right answer; null if there is no body. */
  file: string | null;
  status: 200 | 304 | 404;
  headers: Readonly<Record<string, string>>;
  /** Sends what the server itself gave as the file's validator: ETag, or else its date. */
  revalidates?: true;
  /** Whether the answer may come compressed. */
  compressed?: true;
}

/** What a current browser sends for a page: with the request line and Host, 500 bytes. */
const BROWSER: Readonly<Record<string, string>> = {
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en;q=0.9",
  "Upgrade-Insecure-Requests": "1",
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Site": "none",
  "Sec-Fetch-User": "?1",
  Priority: "u=0,i",
  Connection: "keep-alive",
};

const page = (name: string, file: string): Case => ({ name, path: `/${file}`, file, status: 200, headers: {} });

export const cases: readonly Case[] = [
  page("1 KB", "1k.html"),
  page("10 KB", "10k.html"),
  page("100 KB", "100k.html"),
  page("10 MB", "10m.bin"),
  { name: "304", path: "/1k.html", file: null, status: 304, headers: {}, revalidates: true },
  { name: "404", path: "/missing.html", file: "404.html", status: 404, headers: {} },
  { name: "browser", path: "/page.html", file: "page.html", status: 200, headers: BROWSER, compressed: true },
];

/** Bytes of the head of a case's request, as the load generator sends it. */
export function requestBytes({ path, headers }: Case, host: string): number {
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return lines.join("\r\n").length + 4;
}
