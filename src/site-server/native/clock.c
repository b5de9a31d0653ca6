#include "clock.h"
#include <time.h>
#include "core.h"

uint32_t clock_tick;
int64_t clock_seconds;

uint64_t clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void clock_update(void) {
  static uint64_t begin;
  uint64_t now = clock_now();
  if (begin == 0) begin = now;
  clock_tick = (uint32_t)((now - begin) / CLOCK_TICK) + 1;
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  if (time.tv_sec == clock_seconds) return;
  clock_seconds = time.tv_sec;
  ANSWER(setTime, (double)clock_seconds);
}
