import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { UploadService } from "../api/index.ts";
import { folderTree, receiveUpload, removeFolder } from "../builds/index.ts";

/** Unpacks uploads beside the checkouts of builds: what a crash leaves there is removed at the next start. */
export function uploadService(folder: string): UploadService {
  return {
    async receive(app, archive, signal) {
      const into = await mkdtemp(join(folder, "upload-"));
      const remove = (): Promise<void> => removeFolder(into);
      try {
        await receiveUpload(archive, into, app);
        signal.throwIfAborted();
        return { tree: folderTree(into, app), [Symbol.asyncDispose]: remove };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}
