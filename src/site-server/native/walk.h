/* The walk through the root folder: every file that may be served, in the order of the bytes of their names. */
#pragma once
#include <stdint.h>

enum { PATH_MOST = 4096, FORMS = 3 };

struct walked_file {
  const char *path; /* relative to the root; its bytes are valid during the call */
  uint32_t path_length;
  uint64_t bytes;
  int64_t modified; /* seconds since 1970 */
  /* Bytes of the neighbours `.br`, `.zst`, `.gz`; 0 if there is none, or if it is no smaller. */
  uint64_t forms[FORMS];
};

extern const char *const form_suffixes[FORMS];

/*
 * Calls `found` for each regular file below the root. Folders whose names begin with a dot are left out, but for `.well-known` or with
 * -serve-hidden. With a `watch` (an inotify descriptor, or -1) every folder is watched from before it is read.
 */
void walk_root(int watch, void (*found)(const struct walked_file *));
