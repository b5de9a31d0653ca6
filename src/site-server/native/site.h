/* The site index of the root folder, as it is loaded in the core. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* For `respond`. */
extern uint32_t site_index;
extern uint32_t site_files;
extern uint32_t site_loads;
/* Whether problems of `_headers` and `_redirects` are said. */
extern bool site_speaks;

/*
 * Walks the root and loads its index in place of the former one. False, with the reason on standard error, if that is not possible: the former index stays.
 * `watch` as in walk_root.
 */
bool site_load(int watch);
