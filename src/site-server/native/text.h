/* Text that is put together in a buffer of fixed size. What does not fit is cut off, and `full` says so. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
  char *at;
  char *end;
  bool full;
};

struct text text_in(char *buffer, size_t room);
void text_add(struct text *, const void *bytes, size_t length);
void text_string(struct text *, const char *);
void text_number(struct text *, uint64_t);
/* As a log has it: `"`, `\` and whatever is not printable ASCII as `\xHH`. */
void text_escaped(struct text *, const uint8_t *bytes, size_t length);
/* How many bytes come before the first `end` of a string: all, if there is none. */
size_t text_until(const char *, char end);
