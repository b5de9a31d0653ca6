/** Where the free memory begins, a multiple of 4. Nothing is ever given back: an instance makes one index. */
export let top: u32 = (<u32>__heap_base + 7) & ~7;

/** Set once memory could not be had: the index cannot be finished. */
export let exhausted: bool = false;

/** So much is there, beyond what is asked for, for the small things that a call may need. */
const SLACK: u32 = 4096;
/** Grown by at least so much, since each growth may cost the host a new view. */
const STEP: u32 = 16;

/** Sees to it that so many bytes, and SLACK more, are there from `top` on. */
export function ensure(bytes: u32): bool {
  const end = <u64>top + bytes + SLACK;
  const there = (<u64>memory.size()) << 16;
  if (end <= there) return true;
  const pages = <u32>((end - there + 0xffff) >> 16);
  if (memory.grow(<i32>max(pages, STEP)) >= 0 || memory.grow(<i32>pages) >= 0) return true;
  exhausted = true;
  return false;
}

/** Takes so many bytes, which `ensure` has seen to. */
export function take(bytes: u32): u32 {
  const at = top;
  top = (at + bytes + 3) & ~3;
  return at;
}
