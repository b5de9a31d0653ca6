/* What the command line and the environment say. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "address.h"

struct options {
  const char *listen_addr;
  const char *root_dir;
  const char *index_filename;
  const char *not_found_filename;
  const char *health_url;
  const char *metrics_url;
  const char *fallback;
  const char *cache_control;
  const char *cache_control_immutable;
  const char *site; /* the label of the metrics */
  bool no_metrics;
  bool no_request_logging;
  bool serve_hidden;
  bool clean_urls;
  bool watch;
  uint32_t workers;
  uint32_t shutdown_timeout; /* seconds */
  /* of listen_addr */
  struct address address;
  bool any_address;
  uint16_t port;
};

extern struct options options;
/* Whose X-Forwarded-For is believed. */
extern struct networks trusted_networks;

/* Fills `options`. Ends the process for what is not understood, for `--help` and for `--version`. */
void options_read(char **arguments);
