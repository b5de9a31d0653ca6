import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { Store } from "../store/index.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { type ImageStore, openImageStore } from "./image-store.ts";
import { openFileStore, type PackedFileStore } from "./packed-file-store.ts";
import type { Tree, TreeEntry } from "./types.ts";

/** A store of files and images in a temporary folder, for tests. */
export interface ContentFixture extends Disposable {
  folder: string;
  store: Store;
  files: PackedFileStore;
  images: ImageStore;
  /** The file names in the folder of packs. */
  packNames(): string[];
  /** Adds these files in one batch; the tree of them. */
  add(contents: Readonly<Record<string, string | Uint8Array>>): Promise<Tree>;
  /** What is on the disk now, as another process would find it after a crash. */
  crashed(): ContentFixture;
  /** Closes, and opens again what is there. */
  reopen(): void;
}

/** `packs` is where packs lie, if not in the folder. */
export function contentFixture({ packs, folder = temporaryFolder("content") }: FixtureOptions = {}): ContentFixture {
  const packFolder = packs ?? join(folder.path, "packs");
  const imageFolder = join(folder.path, "images");
  mkdirSync(packFolder, { recursive: true });
  const layout = join(folder.path, "oci");
  for (const path of [imageFolder, layout]) mkdirSync(path, { recursive: true });
  const open = () => {
    const store = Store.open(join(folder.path, "steppe.db"));
    const files = openFileStore({ folder: packFolder, store, log: silentLogger, clock: systemClock });
    return {
      store,
      files,
      images: openImageStore({ folder: imageFolder, layout, files, log: silentLogger, clock: systemClock }),
    };
  };
  const close = (): void => {
    fixture.files.close();
    fixture.store.close();
  };
  const fixture: ContentFixture = {
    ...open(),
    folder: folder.path,
    packNames: () => readdirSync(packFolder).sort(),
    add: (contents) => addAll(fixture.files, contents),
    crashed() {
      const copy = temporaryFolder("crashed");
      cpSync(folder.path, copy.path, { recursive: true });
      return contentFixture({ folder: copy });
    },
    reopen() {
      close();
      Object.assign(fixture, open());
    },
    [Symbol.dispose]() {
      close();
      folder[Symbol.dispose]();
    },
  };
  return fixture;
}

interface FixtureOptions {
  packs?: string;
  folder?: { path: string; [Symbol.dispose](): void };
}

async function addAll(files: PackedFileStore, contents: Readonly<Record<string, string | Uint8Array>>): Promise<Tree> {
  const batch = files.begin();
  const tree: TreeEntry[] = [];
  for (const [path, content] of Object.entries(contents)) {
    tree.push({ path, ...(await batch.add(typeof content === "string" ? Buffer.from(content) : content)) });
  }
  await batch.commit();
  return tree;
}
