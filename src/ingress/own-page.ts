import type { HttpConnection } from "../site-server/index.ts";

/** What a page of the ingress itself says. */
export interface OwnPage {
  status: number;
  title: string;
  text: string;
  /** Lines that end in CRLF. */
  fields?: string;
}

/**
 * Answers with a page of the ingress itself: for hosts and states that no site answers for.
 *
 * @param isHead the answer is to have no body
 * @returns bytes of the body
 */
export function sendOwnPage(connection: HttpConnection, isHead: boolean, page: OwnPage): number {
  const heading = `${page.status} ${page.title}`;
  const html = Buffer.from(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${heading}</title><h1>${heading}</h1><p>${page.text}</p></html>\n`,
  );
  const fields =
    `Content-Type: text/html; charset=utf-8\r\nContent-Length: ${html.length}\r\nCache-Control: no-store\r\n` +
    `X-Content-Type-Options: nosniff\r\n${page.fields ?? ""}`;
  connection.send(heading, fields, isHead ? undefined : html);
  return isHead ? 0 : html.length;
}
