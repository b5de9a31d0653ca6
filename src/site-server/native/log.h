/* The access log on standard output: lines in Apache's combined format, in batches. A slow reader never slows an answer: lines are dropped, and counted. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "address.h"
#include "text.h"

enum { LOG_LINE_MOST = 4000 };

/* Before the workers are started: they take turns. */
void log_share(void);
/* A worker died: if it was its turn, it is nobody's now. */
void log_release(int process);

/*
 * The line of the request that the core parsed last, up to its status, and what follows the number of bytes. `known` is false if the request was not understood.
 * `peer` is who is connected.
 */
void log_before_bytes(struct text *, const struct address *peer, bool known, unsigned status);
void log_after_bytes(struct text *, bool known);

/* Room for a line of at most LOG_LINE_MOST bytes; NULL if there is none, which counts as dropped. `log_line_end` says where it ended. */
char *log_line_begin(void);
void log_line_end(const char *end);

/* Writes what can be written without waiting, if it is much, or if `all`. Returns whether something is left. */
bool log_flush(bool all);
