import { type FSWatcher, watch } from "node:fs";

/** So long nothing more must have changed, milliseconds: builds write many files at once. */
const QUIET_MS = 50;
/** After so long it is looked at however much still changes, milliseconds. */
const MOST_MS = 500;

export interface FolderWatcher {
  /** Something has changed. */
  onChange: () => void;
  /** Changes are not noticed any more, for want of inotify watches for example. */
  onTrouble: (error: unknown) => void;
}

/**
 * Tells of changes in a folder and all that are in it, some time after the last of several.
 *
 * @returns ends it
 */
export function watchFolder(folder: string, { onChange, onTrouble }: FolderWatcher): () => void {
  let timer: NodeJS.Timeout | undefined;
  let changedAt = 0;

  const tell = (): void => {
    changedAt = 0;
    onChange();
  };
  const noticed = (): void => {
    if (changedAt === 0) changedAt = performance.now();
    clearTimeout(timer);
    const left = Math.max(0, changedAt + MOST_MS - performance.now());
    timer = setTimeout(tell, Math.min(QUIET_MS, left));
  };

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { recursive: true, persistent: false });
    watcher.on("change", noticed);
    watcher.on("error", onTrouble);
  } catch (error) {
    onTrouble(error);
  }
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}
