/* Counters of all workers, in memory that they share: each worker writes its own, and whoever is asked adds them up. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { BUCKETS_FINE = 8, BUCKETS_OLD = 11, STATUS_LEAST = 100, STATUS_COUNT = 500 };

struct metrics {
  uint64_t requests; /* answered with 2xx or 3xx: what statigo counts */
  uint64_t old_buckets[BUCKETS_OLD + 1];
  uint64_t old_sum; /* nanoseconds */
  uint64_t fine_buckets[BUCKETS_FINE + 1];
  uint64_t fine_sum;
  uint64_t body_bytes;
  uint64_t accepted, open;
  uint64_t lines_dropped, timed_out, exhausted;
  uint64_t files, loads;
  uint64_t status[STATUS_COUNT];
};

/* This worker's. */
extern struct metrics *metrics;

/* Before the workers are started. */
void metrics_share(uint32_t workers);
void metrics_use(uint32_t worker);
/* An answer is done. */
void metrics_count(unsigned status, uint64_t body_bytes, uint64_t nanoseconds);
/* Writes the page for Prometheus; returns its length. */
size_t metrics_page(char *page, size_t room);
