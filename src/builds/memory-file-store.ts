import { createHash } from "node:crypto";
import type { FileBatch, FileStore, Location, StoredFile } from "../images/index.ts";

/** For tests: a file store that forgets. */
export class MemoryFileStore implements FileStore {
  readonly packFolder = "/nonexistent";
  readonly contents = new Map<string, Buffer>();
  /** How many contents batches were given. */
  added = 0;
  /** Thrown by the next `commit`. */
  failure: Error | undefined;
  openBatches = 0;

  begin(): FileBatch {
    const pending = new Map<string, Buffer>();
    this.openBatches++;
    let open = true;
    const close = (): void => {
      if (open) this.openBatches--;
      open = false;
    };
    const add = async (content: Uint8Array): Promise<StoredFile> => {
      this.added++;
      const hash = createHash("sha256").update(content).digest();
      pending.set(hash.toString("hex"), Buffer.from(content));
      return { hash, size: content.length };
    };
    return {
      add,
      async addStream(content) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of content) chunks.push(Buffer.from(chunk));
        return add(Buffer.concat(chunks));
      },
      commit: async () => {
        if (this.failure !== undefined) throw this.failure;
        for (const [hash, content] of pending) this.contents.set(hash, content);
        close();
      },
      abort: async () => close(),
    };
  }

  locate(hash: Uint8Array): Location | undefined {
    const content = this.contents.get(Buffer.from(hash).toString("hex"));
    return content && { pack: "memory", offset: 0, size: content.length };
  }

  locateEncoding(): undefined {
    return undefined;
  }

  async read(hash: Uint8Array): Promise<Buffer> {
    const content = this.contents.get(Buffer.from(hash).toString("hex"));
    if (content === undefined) throw new Error("not there");
    return content;
  }
}
