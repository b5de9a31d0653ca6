import { SiteIndexMaker, type SiteOptions } from "../../src/site-server/site-index-maker.ts";
import { vectors, vectorSite } from "../../src/site-server/test-support/vectors.ts";

/** Inputs that each fuzzer begins with, beside its corpus: made from the vectors, so that they are never out of date. */
export function seedsOf(fuzzer: string): Buffer[] {
  const make = makers[fuzzer];
  if (make === undefined) throw new Error(`there are no seeds for ${fuzzer}`);
  return make();
}

const makers: Readonly<Record<string, () => Buffer[]>> = {
  request: requestSeeds,
  index: indexSeeds,
  headers: headersSeeds,
  host: hostSeeds,
};

function requestSeeds(): Buffer[] {
  const requests = vectors().map(({ request }) => Buffer.from(request, "latin1"));
  return [...requests.filter(({ length }) => length <= 4096), Buffer.concat(requests.slice(0, 10))];
}

function indexSeeds(): Buffer[] {
  const { headers = "", redirects = "" } = vectorSite();
  const rules = { headers: Buffer.from(headers), redirects: Buffer.from(redirects) };
  return [
    siteIndex({}),
    siteIndex({ tagged: false, cleanUrls: true }),
    siteIndex({ fallback: "index.html", errorPages: { 405: "404.html", 403: "404.html" } }),
    siteIndex(rules),
    siteIndex({
      headers: Buffer.from(
        "/*\n  X-A: :splat\n  Vary: Cookie\n/docs/:name\n  ! Cache-Control\n  Set-Cookie: a=1\n  Set-Cookie: b=2\n",
      ),
      redirects: Buffer.from("/a/* /docs/:splat 200\n/q a=:a b=1 https://other.test/:a 302!\n/* /404.html 410\n"),
    }),
  ];
}

function siteIndex(options: SiteOptions): Buffer {
  using maker = new SiteIndexMaker(options);
  for (const path of ["index.html", "404.html", "docs/index.html", "app.3f9a1c2b.js"]) {
    const place = { size: 100, pack: "1.pack" };
    const tag = options.tagged === false ? {} : { hash: Buffer.alloc(32, path) };
    maker.add({ path, ...tag, identity: place, ...(path.startsWith("d") ? {} : { gzip: { ...place, offset: 100 } }) });
  }
  return maker.finish(1_700_000_000).index;
}

function headersSeeds(): Buffer[] {
  const { headers = "", redirects = "" } = vectorSite();
  const targets = vectors().flatMap(({ request }) => /^GET \/(\S+) HTTP/.exec(request)?.[1] ?? []);
  return [
    rulesInput(0, headers, redirects, targets.filter((target) => /old|news|app|gone|docs/.test(target)).slice(0, 6)),
    rulesInput(1, "/docs/:name\n  X-Name: :name\n  Cache-Control: no-store\n  ! ETag\n", "/a/* //b/:splat\n", [
      "docs/page",
      "a/b",
    ]),
    rulesInput(2, "/*\n  Link: </a.css>; rel=preload\n  Vary: Cookie\n  Set-Cookie: a=1\n  Set-Cookie: b=2\n", "", [
      "x/y",
    ]),
    rulesInput(0, "https://a.test/*\n  Content-Type: a/b\n", "/q a=:a b=:b /docs/:a/:b?c=:a 302!\n", [
      "q?a=%2f%0d%0a&b=%5c",
    ]),
    rulesInput(0, "", "/* https://other.test/:splat?x=:splat#:splat 307\n", [
      "/evil.test",
      "%2f%2fevil.test",
      "a%0d%0ab:c?d",
    ]),
    rulesInput(0, "", "/x/:a/*  /:a:splat 308\n/y/* /:splat 302\n/z/:n.html /:n 301\n", [
      "y//evil.test",
      "x/%2f/evil",
      "z/%5cevil.html",
    ]),
    rulesInput(0, "", "/s/* /docs/:splat 200\n/gone /docs/page.html 410\n/old/* /404.html 404\n/docs/* 200\n", [
      "s/page.html",
      "gone",
      "s/../x",
    ]),
  ];
}

function rulesInput(flags: number, headers: string, redirects: string, targets: readonly string[]): Buffer {
  return Buffer.concat([Buffer.of(flags), Buffer.from([headers, redirects, targets.join("\n")].join("\0"))]);
}

const MAPPED = Buffer.from("00000000000000000000ffff0a010203", "hex");

function hostSeeds(): Buffer[] {
  const part = (number: number, ...rest: (string | Buffer)[]): Buffer =>
    Buffer.concat([Buffer.of(number), ...rest.map((text) => Buffer.from(text as string))]);
  const between = (...texts: string[]): string => texts.join("\0");
  const request = (fields: string): string => `GET /a?b HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  return [
    part(0, between("-root-dir=/srv", "--listen-addr", ":80", "-no-metrics", "-workers", "2", "-watch=false")),
    part(0, between("-trusted-proxies", "10.0.0.0/8,::1", "-health-url=/h", "-shutdown-timeout=9", "-serve-hidden")),
    part(0, "--help"),
    part(0, between("-listen-addr=[::1]:3000", "-fallback=index.html", "-clean-urls=true", "-cache-control=no-store")),
    part(1, "127.0.0.1"),
    part(1, "2001:db8::ffff:1.2.3.4"),
    part(1, "[fe80::1]:8080"),
    part(1, "1:2:3:4:5:6:7:8"),
    part(2, MAPPED, "10.0.0.0/8,fd00::/7,private,1.2.3.4"),
    part(2, MAPPED, "none"),
    part(3, MAPPED, request('X-Forwarded-For: 1.2.3.4, "x", 10.0.0.1\r\nX-Forwarded-For: [2001:db8::1]:443\r\n')),
    part(3, MAPPED, request('User-Agent: "a\\b"\xe4\r\nReferer: https://a.test/\r\n')),
    part(3, Buffer.alloc(16, 1), request("X-Forwarded-For: 1.2.3.4\r\n")),
    part(4, Buffer.from([9, 0, 0, 0]), 'abc"\\\n'),
    part(
      4,
      Buffer.from([0, 0, 0, 0x6b]),
      "plain text that is longer than there is room for, so that it is cut off at its end",
    ),
  ];
}
