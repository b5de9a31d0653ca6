/* Several processes that serve, and the one that keeps them. */
#pragma once
#include <stdint.h>

/* Starts the workers, starts those anew that die, and ends when they have ended after SIGTERM. Returns only in the workers, with their numbers. */
uint32_t workers_run(uint32_t count);
