import type { Site } from "./cluster.ts";

/** What tells one site of a story from another. */
export function siteKey({ app, number, files }: Site): string {
  return `${app} ${number} ${JSON.stringify(files)}`;
}
