/* The memory of the core's modules. One that is given back is used again, without asking the kernel. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "fuzz.h"
#include "wasm-rt.h"

enum { PAGE = 65536, MOST_PAGES = 2048 };

static uint8_t *spare;

_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) {
  fprintf(stderr, "trap %d\n", (int)trap);
  finding("the core stopped");
}

void wasm_rt_catch_faults(void) {}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t initial_pages, uint32_t max_pages) {
  if (spare == NULL) {
    spare = mmap(NULL, (size_t)MOST_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(spare != MAP_FAILED);
  }
  *memory = (wasm_rt_memory_t){.data = spare, .max_pages = max_pages < MOST_PAGES ? max_pages : MOST_PAGES};
  spare = NULL;
  MUST(wasm_rt_grow_memory(memory, initial_pages) == 0);
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages) {
  uint32_t before = memory->pages;
  if (pages > memory->max_pages - before) return UINT32_MAX;
  /* It may have been used before. */
  memset(memory->data + memory->size, 0, (size_t)pages * PAGE);
  memory->pages += pages;
  memory->size += (uint64_t)pages * PAGE;
  return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) {
  MUST(spare == NULL);
  spare = memory->data;
  *memory = (wasm_rt_memory_t){0};
}
