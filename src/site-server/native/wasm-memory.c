#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "report.h"
#include "wasm-rt.h"

/* MOST_PAGES: room for the index of a million files. */
enum { PAGE = 65536, MOST_PAGES = 16384 };

_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap) {
  static const char *const reasons[] = {
      "none",           "memory out of bounds", "integer overflow", "division by zero",
      "bad conversion", "unreachable code",     "bad call",
  };
  fail(EXIT_CORE, "the core stopped: ", (unsigned)trap < 7 ? reasons[trap] : "unknown", NULL);
}

/* From here to 4 GiB nothing is mapped but the memories of the core: scripts/site-server/adapt-generated.ts. */
static const uintptr_t FIRST_PLACE = 0x10000000;

static void fault(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_code > 0 && (uintptr_t)info->si_addr >= FIRST_PLACE && (uintptr_t)info->si_addr >> 32 == 0) wasm_rt_trap(WASM_RT_TRAP_OOB);
  kill(getpid(), signal);
}

void wasm_rt_catch_faults(void) {
  /* rt_sigaction(2) as the kernel has it: musl's is made for threads, and brings 1 KB of code. */
  struct {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
  } action = {.handler = fault, .flags = SA_SIGINFO | SA_NODEFER | SA_RESETHAND | 0x04000000 /* SA_RESTORER */};
  /* It comes back only to die of the same signal, so that nothing is to be restored. */
  if (syscall(SYS_rt_sigaction, SIGSEGV, &action, NULL, sizeof action.mask) != 0) fail_error(errno, "cannot catch faults of the core", NULL);
}

/* Makes pages at the end of the memory usable. A kernel before 4.17 may give others when these are taken. */
static bool map(wasm_rt_memory_t *memory, uint32_t pages) {
  void *wanted = memory->data + memory->size;
  size_t bytes = (size_t)pages * PAGE;
  void *data = mmap(wanted, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (data == MAP_FAILED) return false;
  if (data != wanted) {
    munmap(data, bytes);
    errno = EEXIST;
    return false;
  }
  memory->pages += pages;
  memory->size += bytes;
  return true;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint8_t *base, uint32_t initial_pages, uint32_t max_pages) {
  *memory = (wasm_rt_memory_t){.data = base, .max_pages = max_pages < MOST_PAGES ? max_pages : MOST_PAGES};
  if (!map(memory, initial_pages)) fail_error(errno, "cannot have the memory of the core at its place", NULL);
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint32_t pages) {
  uint32_t before = memory->pages;
  if (pages == 0) return before;
  return pages <= memory->max_pages - before && map(memory, pages) ? before : UINT32_MAX;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) {
  munmap(memory->data, memory->size);
  *memory = (wasm_rt_memory_t){0};
}
