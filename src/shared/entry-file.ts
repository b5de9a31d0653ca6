import { fileURLToPath } from "node:url";

/** Each thing that runs by itself: a process or a worker thread. `scripts/build.ts` makes one bundle of each. */
export const entrySources = {
  cli: "cli/main.ts",
  control: "main.ts",
  ingress: "ingress/main.ts",
  "encode-worker": "images/encode-worker.ts",
} as const;

export type EntryName = keyof typeof entrySources;

/** The file to start: the TypeScript beside us while developing, the bundle beside us otherwise. */
export function entryFile(name: EntryName): string {
  const developing = import.meta.url.endsWith(".ts");
  return fileURLToPath(new URL(developing ? `../${entrySources[name]}` : `./${name}.js`, import.meta.url));
}
