/**
 * A path for a log. The last part of a webhook's path may be what proves the sender, also where its address was given with a slash too many, or with the
 * port of another listener: it does not belong there.
 */
export function withoutWebhookToken(path: string): string {
  return path.replace(/(\/hooks\/+[^/]+)\/.*$/is, "$1/***");
}
