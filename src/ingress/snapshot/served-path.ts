/** Files at the root of a site that are for Steppe or other tools, not for visitors. */
const NOT_FOR_VISITORS = new Set(["steppe.yaml", "Dockerfile", "_headers", "_redirects"]);

/**
 * Whether visitors may see a file of a release. Hidden files are not for them (`.git`, `.env`), but `.well-known` at
 * the root is (RFC 8615).
 */
export function isServed(path: string): boolean {
  if (NOT_FOR_VISITORS.has(path)) return false;
  const rest = path.startsWith(".well-known/") ? path.slice(".well-known/".length) : path;
  return !rest.startsWith(".") && !rest.includes("/.");
}
