export type * from "./types.ts";
export { FINAL_STATES } from "./types.ts";
