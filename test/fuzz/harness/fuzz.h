/* What the fuzzers share. Each is a file with `LLVMFuzzerTestOneInput`; a finding ends the process with SIGABRT, which libFuzzer reports. */
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "address.h"
#include "reply.h"

/* Something is as it must not be. */
_Noreturn void finding(const char *what);
#define MUST(condition) ((condition) ? (void)0 : finding(#condition))

/* Where `fail` goes if the command line is refused, which is no finding while this is set. */
extern jmp_buf *refusal;

/* Makes the core and what it needs ready; the clock stands still. */
void start_core(void);

/* A head, taken apart: pointers into it. */
struct head_field {
  const char *name, *value;
  size_t name_length, value_length;
};
enum { FIELDS_MOST = 512 };
struct read_head {
  unsigned status; /* 0 if fields alone are read */
  size_t count, length;
  struct head_field fields[FIELDS_MOST];
};

/* The value of the first field of a name (in lower case), or NULL. */
const struct head_field *field_of(const struct read_head *, const char *name);
/* Reads lines of fields up to the empty one, or to the end of the bytes with `fields_only`; anything else in them is a finding. */
void read_fields(struct read_head *, const char *bytes, size_t length, bool fields_only);
/* False if the site index is made of any bytes: then its templates may name fields that the server writes itself, which the builder sees to. */
extern bool made_by_builder;
/* Whether an answer is what a client can read: a whole head, what the server says of it said once, exactly the bytes behind it that it promises. */
void check_reply(struct read_head *, const struct reply *, bool parsed);

/* Writes the line of the log for the request that was parsed last, and looks whether it is one line with all parts of the combined format. */
void check_log(const struct address *peer, bool parsed, const struct reply *);

/* Answers the next request in core_input as a connection does. Returns its bytes; 0 if there is no whole one, or the connection ends after its answer. */
size_t answer_next(size_t at, size_t length, struct read_head *);
