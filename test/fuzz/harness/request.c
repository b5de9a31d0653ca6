/*
 * The bytes of a connection, answered from a real folder by the code of the native host, twice: with the flags as they are by default, and as a single-page site
 * with clean URLs. The environment's FUZZ_ROOT is the folder.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core.h"
#include "fuzz.h"
#include "options.h"
#include "root.h"
#include "site.h"

static uint32_t sites[2];

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  options.root_dir = getenv("FUZZ_ROOT");
  MUST(options.root_dir != NULL && root_open() == 0);
  start_core();
  MUST(site_load(-1) && site_files > 0);
  sites[0] = site_index;
  site_index = 0;
  options.clean_urls = true;
  options.fallback = "index.html";
  MUST(site_load(-1));
  sites[1] = site_index;
  return 0;
}

static void answer_all(const uint8_t *data, size_t size) {
  static struct read_head head;
  memcpy(core_input, data, size);
  for (size_t at = 0; at < size;) {
    size_t bytes = answer_next(at, size, &head);
    /* What follows in the pipeline is still what came. */
    MUST(memcmp(core_input, data, size) == 0);
    if (bytes == 0) break;
    at += bytes;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > INPUT_BYTES) return 0;
  for (int i = 0; i < 2; i++) {
    site_index = sites[i];
    answer_all(data, size);
  }
  return 0;
}
