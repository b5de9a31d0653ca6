import { chooseForm, type FormName } from "./accept-encoding.ts";
import { parseRange } from "./byte-range.ts";
import { isUnmodified, rangeApplies, type Validators } from "./conditions.ts";
import type {
  FileAnswer,
  FileAnswerer,
  FileRequest,
  PackRange,
  SiteFile,
  SiteLookup,
  SiteView,
} from "./file-answerer.ts";
import { RequestPath } from "./request-path.ts";

const INDEX = "index.html";
/** What may change under its name is asked for again each time; the answer is then mostly a 304. */
const REVALIDATE = "no-cache";
const IMMUTABLE = "public, max-age=31536000, immutable";

const NOT_FOUND = page("404 Not found", "There is no page at this address.");
const BAD_REQUEST = page("400 Bad request", "This address cannot be read.");
const TOO_LONG = page("414 Address too long", "This address is too long.");
const NOT_ALLOWED = page("405 Method not allowed", "A static site answers GET and HEAD.");

/** Answers requests for the files of a site, by RFC 9110. */
export class StaticAnswerer implements FileAnswerer {
  readonly #path = new RequestPath();

  answer(request: FileRequest, site: SiteView): FileAnswer {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, NOT_ALLOWED, request, { Allow: "GET, HEAD" });
    }
    const bad = this.#path.parse(request.target);
    if (bad !== undefined) return plain(bad.status, bad.status === 414 ? TOO_LONG : BAD_REQUEST, request);
    return this.#answerPath(request, site);
  }

  #answerPath(request: FileRequest, site: SiteView): FileAnswer {
    const path = this.#path;
    const { current } = site;
    const bytes = path.isFolder ? path.withSuffix(INDEX) : path.bytes;
    const file = current.find(bytes);
    if (file !== undefined) return answerFile(request, file, current);
    for (const other of site.others()) {
      const kept = other.find(bytes);
      if (kept?.keptInGrace) return answerFile(request, kept, other);
    }
    if (!path.isFolder && current.find(path.withSuffix(`/${INDEX}`)) !== undefined) return redirect(path);
    return notFound(request, current);
  }
}

/** Not kept by caches: whether a name is a folder may change with the next release. */
function redirect(path: RequestPath): FileAnswer {
  const headers = { Location: `${path.raw}/${path.query}`, "Cache-Control": REVALIDATE, "Content-Length": 0 };
  return { status: 301, headers, body: { kind: "none" } };
}

function answerFile(request: FileRequest, file: SiteFile, site: SiteLookup): FileAnswer {
  const { name, range } = selectForm(request, file);
  const etag = name === "identity" ? `"${file.tag}"` : `"${file.tag}-${name}"`;
  // RFC 9110, section 8.8.2.1: never a date that is still to come.
  const lastModified = site.modifiedAt * 1000 <= request.now ? new Date(site.modifiedAt * 1000).toUTCString() : "";
  const validators: Validators = { etag, lastModified };
  const headers: Record<string, string | number> = {
    ETag: etag,
    "Cache-Control": file.immutable ? IMMUTABLE : REVALIDATE,
    Vary: "Accept-Encoding",
  };
  if (lastModified !== "") headers["Last-Modified"] = lastModified;
  if (isUnmodified(request.headers, validators)) return { status: 304, headers, body: { kind: "none" } };
  describeContent(headers, file, name);
  headers["Accept-Ranges"] = "bytes";
  return sendWhole(request, headers, range, validators);
}

function sendWhole(
  request: FileRequest,
  headers: Record<string, string | number>,
  whole: PackRange,
  validators: Validators,
): FileAnswer {
  const header = request.headers["range"];
  // RFC 9110, section 14.2: ranges are for GET only.
  const asked =
    request.method === "GET" && typeof header === "string" && rangeApplies(request.headers, validators)
      ? parseRange(header, whole.size)
      : "whole";
  if (asked === "unsatisfiable") {
    const short = { "Content-Range": `bytes */${whole.size}`, "Content-Length": 0, "Cache-Control": REVALIDATE };
    return { status: 416, headers: short, body: { kind: "none" } };
  }
  if (asked === "whole") return withBody(200, request, headers, whole);
  headers["Content-Range"] = `bytes ${asked.start}-${asked.start + asked.size - 1}/${whole.size}`;
  const part = { pack: whole.pack, offset: whole.offset + asked.start, size: asked.size };
  return withBody(206, request, headers, part);
}

function withBody(
  status: number,
  request: FileRequest,
  headers: Record<string, string | number>,
  range: PackRange,
): FileAnswer {
  headers["Content-Length"] = range.size;
  const silent = request.method === "HEAD" || range.size === 0;
  return { status, headers, body: silent ? { kind: "none" } : { kind: "pack", range } };
}

function notFound(request: FileRequest, site: SiteLookup): FileAnswer {
  const file = site.notFoundPage;
  if (file === undefined) return plain(404, NOT_FOUND, request);
  const { name, range } = selectForm(request, file);
  const headers: Record<string, string | number> = { "Cache-Control": REVALIDATE, Vary: "Accept-Encoding" };
  describeContent(headers, file, name);
  return withBody(404, request, headers, range);
}

function selectForm(request: FileRequest, file: SiteFile): { name: FormName; range: PackRange } {
  const header = request.headers["accept-encoding"];
  const name = chooseForm(Array.isArray(header) ? header.join(",") : header, (form) => file[form]?.size);
  return { name, range: file[name] ?? file.identity };
}

function describeContent(headers: Record<string, string | number>, file: SiteFile, name: FormName): void {
  headers["Content-Type"] = file.mediaType;
  headers["X-Content-Type-Options"] = "nosniff";
  if (name !== "identity") headers["Content-Encoding"] = name;
}

function plain(
  status: number,
  bytes: Uint8Array,
  request: FileRequest,
  extra: Record<string, string> = {},
): FileAnswer {
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": REVALIDATE,
    "Content-Length": bytes.length,
    ...extra,
  };
  return { status, headers, body: request.method === "HEAD" ? { kind: "none" } : { kind: "bytes", bytes } };
}

function page(title: string, text: string): Uint8Array {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`;
  return Buffer.from(html);
}
