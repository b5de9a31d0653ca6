/*
 * The run-time of the fuzzers, in place of the host's: here the C of wasm2c is compiled as wasm2c wrote it, where each access is compared with the size of the
 * memory to the byte, and a trap is a finding. What the processor refuses the sanitizer tells.
 */
#pragma once
#include "wasm-rt-types.h"

/* Makes the first pages (of 64 KiB) usable, wherever there is room. */
void wasm_rt_allocate_memory(wasm_rt_memory_t *, uint32_t initial_pages, uint32_t max_pages);
