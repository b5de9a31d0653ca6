#include <sys/mman.h>
#include "report.h"
#include "wasm-rt.h"

/* SLACK: the last access may reach 7 bytes beyond the memory, see scripts/site-server/adapt-generated.ts. */
enum { PAGE = 65536, MOST_PAGES = 65535, SLACK = 4096 };
/* Room for the index of a million files; less is tried if addresses are limited (`ulimit -v`). */
static const size_t MOST_RESERVED = (size_t)1 << 30;
static const size_t LEAST_RESERVED = (size_t)4 << 20;

_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) {
  static const char *const reasons[] = {
      "none",           "memory out of bounds", "integer overflow", "division by zero",
      "bad conversion", "unreachable code",     "bad call",
  };
  fail(EXIT_CORE, "the core stopped: ", (unsigned)trap < 7 ? reasons[trap] : "unknown", NULL);
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint32_t initial_pages, uint32_t max_pages) {
  size_t bytes = (size_t)initial_pages * PAGE;
  size_t room = MOST_RESERVED;
  void *data = MAP_FAILED;
  while (room >= LEAST_RESERVED && room >= bytes + PAGE) {
    data = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data != MAP_FAILED) break;
    room /= 2;
  }
  if (data == MAP_FAILED || mprotect(data, bytes + SLACK, PROT_READ | PROT_WRITE) != 0) fail(EXIT_FAILED, "there is no memory to start with", NULL);
  memory->data = data;
  memory->pages = initial_pages;
  room -= PAGE;
  memory->max_pages = max_pages < room / PAGE ? max_pages : (uint32_t)(room / PAGE);
  if (memory->max_pages > MOST_PAGES) memory->max_pages = MOST_PAGES;
  memory->size = bytes;
  memory->reserved = room + PAGE;
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages) {
  uint32_t before = memory->pages;
  if (pages > memory->max_pages - before) return UINT32_MAX;
  size_t bytes = (size_t)(before + pages) * PAGE;
  if (mprotect(memory->data, bytes + SLACK, PROT_READ | PROT_WRITE) != 0) return UINT32_MAX;
  memory->pages = before + pages;
  memory->size = bytes;
  return before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) {
  if (memory->data != NULL) munmap(memory->data, memory->reserved);
  memset(memory, 0, sizeof *memory);
}

void wasm_rt_unpack(wasm_rt_memory_t *memory, const uint8_t *packed, size_t length) {
  const uint8_t *end = packed + length;
  while (packed < end) {
    uint32_t at = packed[0] | (uint32_t)packed[1] << 8 | (uint32_t)packed[2] << 16;
    uint32_t count = packed[3] | (uint32_t)packed[4] << 8, stride = packed[5];
    if (at + (uint64_t)count * stride > memory->size) wasm_rt_trap(WASM_RT_TRAP_OOB);
    packed += 6;
    for (; count > 0; count--, at += stride) memory->data[at] = *packed++;
  }
}
