#include "arena.h"
#include <sys/mman.h>
#include "report.h"

size_t arena_take(struct arena *arena, size_t length) {
  size_t position = (arena->used + 7) & ~(size_t)7;
  if (position + length > arena->room) {
    size_t room = arena->room == 0 ? 65536 : arena->room;
    while (room < position + length) room *= 2;
    void *bytes = arena->room == 0 ? mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                   : mremap(arena->bytes, arena->room, room, MREMAP_MAYMOVE);
    if (bytes == MAP_FAILED) fail(EXIT_FAILED, "there is no memory to list the root folder", NULL);
    arena->bytes = bytes;
    arena->room = room;
  }
  arena->used = position + length;
  return position;
}

void arena_free(struct arena *arena) {
  if (arena->room != 0) munmap(arena->bytes, arena->room);
  *arena = (struct arena){0};
}
