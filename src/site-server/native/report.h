/* What the server says of itself, on standard error: one line each, `steppe-static: …`. */
#pragma once
#include <stddef.h>

enum {
  EXIT_FAILED = 1, /* what it was told to do cannot be done: no root, a port that is taken */
  EXIT_USAGE = 2,  /* the command line was not understood */
  EXIT_CORE = 70,  /* the core stopped, or gave back what cannot be: nothing of its memory is to be trusted */
};

/* Joins the strings up to NULL. Never waits for a slow reader: the line is lost then. */
void report(const char *first, ...) __attribute__((sentinel));
/* The same, with the words of an error number at the end. */
void report_error(int error, const char *first, ...) __attribute__((sentinel));
_Noreturn void fail(int code, const char *first, ...) __attribute__((sentinel));
_Noreturn void fail_error(int error, const char *first, ...) __attribute__((sentinel));

/* The name of an error number, in words. */
const char *error_words(int error);
