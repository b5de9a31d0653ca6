/* What both ways of waiting of the floor share: see floor.c. */
#pragma once
#include <stddef.h>

/* What every request is answered with. */
extern char answer[];
extern size_t answer_length;

_Noreturn void fail(const char *what);
/* Waits by io_uring(7), and does not return. Fails where the kernel does not allow it. */
_Noreturn void serve_by_ring(int listener);
