/*
 * Open files: a bounded cache of descriptors by the form's record in the site index. What it hands out was compared with the folder within the last second.
 * A file that changed since it was indexed has its record corrected, so that the core can answer again, with the length that it has now.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* A form of a file, as an answer of the core names it. */
struct wanted_file {
  uint32_t form_record, file_record; /* addresses in the core */
  uint8_t form;                      /* FORM_* */
  const uint8_t *path;               /* of the file, without the suffix of the form */
  uint32_t path_length;
};

enum file_state {
  FILE_READY,
  FILE_CHANGED, /* its record was corrected: answer again */
  FILE_GONE,    /* there is no such file any more, or it may not be read */
  FILE_REFUSED, /* no descriptors are left */
};

/* Opens the file; with FILE_READY `descriptor` is its descriptor, which stays the cache's, and `bytes` its size. */
enum file_state file_open(const struct wanted_file *, int *descriptor, uint64_t *bytes);
/* Reads a part of the file that `file_open` found last: small ones that are asked for whole are kept in memory for as long as they do not change. False if it is not there. */
bool file_read(uint8_t *to, uint64_t offset, uint32_t bytes);
/* Finds the tag of the file's content, and tells the core. */
enum file_state file_tag(const struct wanted_file *);
/* The file did not have the bytes that its record promises: look again at the next call. */
void file_doubt(uint32_t form_record);
/* Closes all: another index is loaded. */
void files_forget(void);
