import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SteppeError } from "../shared/errors.ts";

/** The modules of the core, see core/layout.ts. */
export type CoreModuleName = "answer" | "build";

/** Compiled once while somebody uses it, and let go of when nobody does: `build` is needed for a moment only. */
const compiled = new Map<CoreModuleName, WeakRef<WebAssembly.Module>>();

/**
 * A compiled module of the core; it imports nothing. `scripts/build.ts` puts the modules into `core/` beside the bundles, and so into `dist/core` of a clone.
 *
 * @throws SteppeError INTERNAL if the file is missing or damaged
 */
export function coreModule(name: CoreModuleName): WebAssembly.Module {
  const known = compiled.get(name)?.deref();
  if (known !== undefined) return known;
  const developing = import.meta.url.endsWith(".ts");
  const path = fileURLToPath(new URL(`${developing ? "../../dist" : "."}/core/${name}.wasm`, import.meta.url));
  try {
    const module = new WebAssembly.Module(readFileSync(path));
    compiled.set(name, new WeakRef(module));
    return module;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const hint = developing ? "Make it with `npm run build`." : "Install Steppe again.";
    throw new SteppeError("INTERNAL", { operation: "load", subject: path, cause, hint }, { cause: error });
  }
}
