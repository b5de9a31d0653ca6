/*
 * The run-time of what wasm2c writes, found by its name, in place of wabt's: this one has no stdio and no tables, and its memory lies where the code was compiled
 * for. A trap ends the process.
 */
#pragma once
#include "wasm-rt-types.h"

/* The compiler's own is a table of 256 bytes, where the machine has no instruction for it. */
static inline uint32_t wasm_rt_popcount(uint32_t bits) {
  uint32_t count = 0;
  for (; bits != 0; bits >>= 1) count += bits & 1;
  return count;
}

/* Makes the first pages (of 64 KiB) usable, at the address that the module is compiled for. Fails the process if there is no memory, or if something else is there. */
void wasm_rt_allocate_memory(wasm_rt_memory_t *, uint8_t *base, uint32_t initial_pages, uint32_t max_pages);
/* Fills a fresh memory from what scripts/site-server/merge-segments.ts packed. */
void wasm_rt_unpack(wasm_rt_memory_t *, const uint8_t *packed, size_t length);
