export type { SourceEntry, SourceTree } from "./source-tree.ts";
