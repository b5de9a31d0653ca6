import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone when its scope ends: `await using folder = temporaryFolder()`. */
export interface TemporaryFolder extends Disposable, AsyncDisposable {
  readonly path: string;
  /** A path within the folder. */
  file(...names: string[]): string;
}

/** Makes an empty folder (mode 0700) below the system's folder for temporary files. */
export function temporaryFolder(name = "test"): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `steppe-${name}-`));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  return {
    path,
    file: (...names) => join(path, ...names),
    [Symbol.dispose]: remove,
    [Symbol.asyncDispose]: async () => remove(),
  };
}
