/**
 * Room for site indexes, in what memory there is behind the module's own. Blocks lie one behind the other without gaps; two free ones never
 * do: they become one. Free blocks are kept in lists by their size, so that taking and giving back are a few steps however many blocks there are.
 *
 *     block   u32 bytes of the block before, 0 if that is not free or there is none; u32 bytes of this one, with IS_USED if it is; then the room
 *     free    … u32 the next free block of its list, u32 the one before
 *
 * Behind the last block there is the end: a used block without room.
 */

const HEADER: u32 = 8;
/** Blocks have sizes that are multiples of this, and room that is aligned to it. */
const UNIT: u32 = 16;
const IS_USED: u32 = 1;
const AT_SIZE: u32 = 4;
const AT_NEXT: u32 = 8;
const AT_PREVIOUS: u32 = 12;

const PAGE: u64 = 65536;
/** One page below 4 GiB, so that every address behind a block is a u32. */
const MOST_PAGES: u64 = 65535;

/** A list for each power of two of sizes, and which of them have a block. */
const LISTS: u32 = <u32>memory.data(128, 8);
let listsInUse: u32 = 0;

/** The end; 0 before there is any room. */
let endBlock: u32 = 0;

/**
 * Takes room for `bytes` bytes, aligned to 16, whose content is undefined.
 *
 * @returns its address, or 0 if there is none: the memory cannot grow any more
 */
export function siteRoom(bytes: u32): u32 {
  const wanted = ((<u64>bytes + HEADER + UNIT - 1) / UNIT) * UNIT;
  if (wanted > MOST_PAGES * PAGE) return 0;
  const size = <u32>wanted;
  let block = findFree(size);
  if (block === 0) block = grow(size);
  if (block === 0) return 0;
  removeFree(block);
  split(block, size);
  return block + HEADER;
}

/** Gives room back that `siteRoom` returned. Traps if it is none: going on would spoil what others have. */
export function siteFree(room: u32): void {
  let block = room - HEADER;
  if (endBlock === 0 || room % UNIT !== 0 || block >= endBlock || !isUsed(block)) unreachable();
  let size = sizeOf(block);
  const after = block + size;
  if (!isUsed(after)) {
    size += sizeOf(after);
    removeFree(after);
  }
  const before = load<u32>(block);
  if (before !== 0) {
    block -= before;
    size += before;
    removeFree(block);
  }
  addFree(block, size);
}

function isUsed(block: u32): bool {
  return (load<u32>(block + AT_SIZE) & IS_USED) !== 0;
}

function sizeOf(block: u32): u32 {
  return load<u32>(block + AT_SIZE) & ~IS_USED;
}

/** The number of the list of a size. */
function listOf(size: u32): u32 {
  return 31 - clz<u32>(size);
}

/** A free block of at least `size` bytes, still in its list; or 0. Of the list of that size the first that fits, else the first of a larger one. */
function findFree(size: u32): u32 {
  const list = listOf(size);
  let block = load<u32>(LISTS + (list << 2));
  while (block !== 0) {
    if (sizeOf(block) >= size) return block;
    block = load<u32>(block + AT_NEXT);
  }
  const larger = list === 31 ? 0 : (listsInUse >> (list + 1)) << (list + 1);
  return larger === 0 ? 0 : load<u32>(LISTS + (ctz<u32>(larger) << 2));
}

/** Makes a block free that is in no list, of this size. */
function addFree(block: u32, size: u32): void {
  store<u32>(block + AT_SIZE, size);
  store<u32>(block + size, size);
  const list = listOf(size);
  const first = load<u32>(LISTS + (list << 2));
  store<u32>(block + AT_NEXT, first);
  store<u32>(block + AT_PREVIOUS, 0);
  if (first !== 0) store<u32>(first + AT_PREVIOUS, block);
  store<u32>(LISTS + (list << 2), block);
  listsInUse |= 1 << list;
}

/** Takes a free block out of its list. */
function removeFree(block: u32): void {
  const list = listOf(sizeOf(block));
  const next = load<u32>(block + AT_NEXT);
  const previous = load<u32>(block + AT_PREVIOUS);
  if (next !== 0) store<u32>(next + AT_PREVIOUS, previous);
  if (previous !== 0) {
    store<u32>(previous + AT_NEXT, next);
  } else {
    store<u32>(LISTS + (list << 2), next);
    if (next === 0) listsInUse &= ~(1 << list);
  }
}

/** Uses `size` bytes of a block that is in no list, and makes what is left of it free. */
function split(block: u32, size: u32): void {
  const whole = sizeOf(block);
  const left = whole - size;
  // A free block has its links in its first unit.
  const used = left < UNIT ? whole : size;
  store<u32>(block + AT_SIZE, used | IS_USED);
  store<u32>(block + used, 0);
  if (used !== whole) addFree(block + used, left);
}

/** Grows the memory so that its last block is free and has `size` bytes; 0 if it cannot. A little more is taken than is asked for, so that it happens rarely. */
function grow(size: u32): u32 {
  const pages = <u64>memory.size();
  const needed = (<u64>size + 2 * UNIT + PAGE - 1) / PAGE;
  if (pages + needed > MOST_PAGES) return 0;
  const spare = min(pages / 8, MOST_PAGES - pages - needed);
  if (memory.grow(<i32>(needed + spare)) === -1 && memory.grow(<i32>needed) === -1) return 0;
  const grown = <u32>((<u64>memory.size() - pages) * PAGE);
  return endBlock === 0 ? startRoom(<u32>(pages * PAGE)) : extendRoom(grown);
}

/** Makes the first block: all that there is behind `at`, which is a multiple of UNIT. */
function startRoom(at: u32): u32 {
  const end = <u32>(<u64>memory.size() * PAGE);
  const block = at + UNIT - HEADER;
  store<u32>(block, 0);
  placeEnd(end - HEADER);
  addFree(block, endBlock - block);
  return block;
}

/** Makes `bytes` bytes behind the end a part of the last block, if that is free, or a block of their own. */
function extendRoom(bytes: u32): u32 {
  let block = endBlock;
  let size = bytes;
  const before = load<u32>(block);
  if (before !== 0) {
    block -= before;
    size += before;
    removeFree(block);
  }
  placeEnd(endBlock + bytes);
  addFree(block, size);
  return block;
}

function placeEnd(at: u32): void {
  endBlock = at;
  store<u32>(at + AT_SIZE, IS_USED);
}
