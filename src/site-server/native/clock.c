#include "clock.h"
#include <time.h>
#include "core.h"
#include "options.h"

uint32_t clock_tick;
int64_t clock_seconds;
uint64_t clock_turn;

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t clock_now(void) {
  return read_clock(CLOCK_MONOTONIC);
}

void clock_update(void) {
  static uint64_t begin;
  /* This is done for each batch of events. The coarse clocks are some milliseconds late, and read in a quarter of the time. */
  uint64_t now = clock_turn = read_clock(options.no_metrics ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC);
  if (begin == 0) begin = now;
  clock_tick = (uint32_t)((now - begin) / CLOCK_TICK) + 1;
  struct timespec time;
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec == clock_seconds) return;
  clock_seconds = time.tv_sec;
  ANSWER(setTime, (double)clock_seconds);
}
