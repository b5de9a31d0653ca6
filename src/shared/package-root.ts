import { fileURLToPath } from "node:url";

/** The folder of the package: above `src/` while developing, above `dist/` otherwise. */
export const packageRoot = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../.." : "..", import.meta.url));
