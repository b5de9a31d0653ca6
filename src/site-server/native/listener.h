/* Listening sockets, one for each worker. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Binds `options.address` for so many workers; the kernel spreads connections over them. Ends the process if the address cannot be had. */
void listeners_open(uint32_t workers);
/* The one of this worker. */
extern int listener;
/* Whether its connections send at a pace, with little that waits for its time. */
extern bool listener_paces;
/* Takes the worker's, and closes those of the others, which are theirs. */
void listener_use(uint32_t worker);
void listeners_close(void);
/* `[::]:3000`, with the port that was given if 0 was asked for. */
const char *listener_name(void);
