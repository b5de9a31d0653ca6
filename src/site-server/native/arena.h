/* Memory that grows at its end, for the time of a walk: what is taken is addressed by its position, since the memory may move. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct arena {
  char *bytes;
  size_t used, room;
};

/* Takes `length` bytes, aligned to 8; returns their position. Fails the process if there is no memory. */
size_t arena_take(struct arena *, size_t length);
void arena_free(struct arena *);
