import type { ServerResponse } from "node:http";

/** Answers with a page of the ingress itself: for hosts and states that no site answers for. */
export function sendOwnPage(
  response: ServerResponse,
  method: string,
  status: number,
  title: string,
  text: string,
  headers: Record<string, string> = {},
): void {
  const heading = `${status} ${title}`;
  const html = Buffer.from(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${heading}</title><h1>${heading}</h1><p>${text}</p></html>\n`,
  );
  response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": html.length,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  response.end(method === "HEAD" ? undefined : html);
}
