/* The time as it was when the process woke up last. */
#pragma once
#include <stdint.h>

/* A second. Tests of time limits have a faster clock. */
#ifndef CLOCK_TICK
#define CLOCK_TICK 1000000000
#endif

/* Ticks since the process began, from 1. All time limits of connections are in ticks. */
extern uint32_t clock_tick;
/* Seconds since 1970. */
extern int64_t clock_seconds;

/* When the server turned to what it does now, as clock_now() has it; kept only if times are counted. */
extern uint64_t clock_turn;

/* Nanoseconds of a clock that only goes forward. */
uint64_t clock_now(void);
/* Looks at the clocks, and tells the core if there is a new second. */
void clock_update(void);
