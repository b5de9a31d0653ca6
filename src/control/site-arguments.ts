import { type AppDefinition, defaults } from "../config/index.ts";

/** How `steppe/static` is told what an app says of its site; nothing where that is its own default, so that the image stays one that every engine knows for a site. */
export function siteArguments({
  notFoundPage,
  cleanUrls,
  fallback,
  cacheControl,
}: Pick<AppDefinition, "notFoundPage" | "cleanUrls" | "fallback" | "cacheControl">): string[] {
  const flags: ReadonlyArray<readonly [name: string, value: string | null, known: string | null]> = [
    ["not-found-filename", notFoundPage, defaults.notFoundPage],
    ["fallback", fallback, defaults.fallback],
    ["cache-control", cacheControl.changing, defaults.cacheControl.changing],
    ["cache-control-immutable", cacheControl.hashed, defaults.cacheControl.hashed],
  ];
  const given = flags.filter(([, value, known]) => value !== null && value !== known);
  return [...given.map(([name, value]) => `-${name}=${value}`), ...(cleanUrls ? ["-clean-urls"] : [])];
}
