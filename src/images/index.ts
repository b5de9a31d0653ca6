export { collectGarbage } from "./collect-garbage.ts";
export { EncodingMaker } from "./encoding-maker.ts";
export { exportImage, type ImageArchive } from "./export-image.ts";
export { ImageStore, openImageStore } from "./image-store.ts";
export { openFileStore, type PackedFileStore } from "./packed-file-store.ts";
export type * from "./types.ts";
