export { type CollectedGarbage, collectGarbage, type GarbageOptions } from "./collect-garbage.ts";
export { EncodingMaker, type EncodingReport } from "./encoding-maker.ts";
export { exportImage, type ExportOptions, type ExportTarget } from "./export-image.ts";
export { ImageStore, type ImageStoreOptions, type OciImage, type OciLayer, openImageStore } from "./image-store.ts";
export { comparePaths } from "./normal-tree.ts";
export { type FileLocations, type FileStoreOptions, openFileStore, PackedFileStore } from "./packed-file-store.ts";
export type { MissingPack } from "./reconcile-packs.ts";
export type * from "./types.ts";
