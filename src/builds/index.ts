export { Builder, type BuilderOptions, type BuildRequest, type BuildResult } from "./builder.ts";
export { FolderMemory } from "./folder-memory.ts";
export { folderTree } from "./folder-tree.ts";
export { type ImportRequest, importTree, type KnownFiles } from "./import-tree.ts";
export { receiveUpload, type UploadLimits } from "./receive-upload.ts";
export { removeFolder } from "./remove-folder.ts";
export type { BuildCommand, BuildFolders } from "./run-build.ts";
export type { SourceEntry, SourceTree } from "./source-tree.ts";
export { takeImage, type TakeOptions } from "./take-image.ts";
