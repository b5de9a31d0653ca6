import { ANSWER_SIZE, HEAD_MOST_BYTES, HEAD_ROOM, INPUT_BYTES, REQUEST_SIZE, TARGET_LIMIT } from "../layout";

/**
 * The memory that there is once. It is zero at the start, so it takes no room in the module, and none of the process before it is
 * used.
 */

/** A head is at most a template (HEAD_MOST_BYTES), a Location (three bytes for each of TARGET_LIMIT) and under 2 KB of fields and page of our own. */
const HEAD_BYTES: i32 = HEAD_MOST_BYTES + 3 * TARGET_LIMIT + 2048;

/** What came from a client. */
export const INPUT: u32 = <u32>memory.data(INPUT_BYTES, 16);
export const REQUEST: u32 = <u32>memory.data(REQUEST_SIZE, 16);
export const ANSWER: u32 = <u32>memory.data(ANSWER_SIZE, 16);
/** A path that had to be decoded, or a target that had to be put together. */
export const PATH: u32 = <u32>memory.data(TARGET_LIMIT + 8, 16);
/** The head of the answer, and behind it the host's room. */
export const HEAD: u32 = <u32>memory.data(HEAD_BYTES + HEAD_ROOM, 16);

export function input(): u32 {
  return INPUT;
}

export function request(): u32 {
  return REQUEST;
}

export function answer(): u32 {
  return ANSWER;
}
