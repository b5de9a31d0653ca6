#include "metrics.h"
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include "clock.h"
#include "options.h"
#include "report.h"
#include "text.h"

struct metrics *metrics;
static struct metrics *all;
static uint32_t count;

/* Upper bounds in microseconds. The old ones are the defaults of Prometheus's client for Go; nearly all answers are below the first. */
static const uint32_t OLD_BOUNDS[BUCKETS_OLD] = {5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
static const uint32_t FINE_BOUNDS[BUCKETS_FINE] = {50, 100, 250, 1000, 10000, 100000, 1000000, 10000000};

void metrics_share(uint32_t workers) {
  void *shared = mmap(NULL, workers * sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail(EXIT_FAILED, "there is no memory for the metrics", NULL);
  all = shared;
  count = workers;
}

void metrics_use(uint32_t worker) {
  metrics = all + worker;
  /* The connections of a worker that died are gone with it. */
  metrics->open = 0;
}

static void observe(uint64_t *buckets, const uint32_t *bounds, int bounds_count, uint64_t nanoseconds) {
  int i = 0;
  while (i < bounds_count && nanoseconds > (uint64_t)bounds[i] * 1000) i++;
  buckets[i]++;
}

void metrics_count(unsigned status, uint64_t body_bytes, uint64_t nanoseconds) {
  metrics->body_bytes += body_bytes;
  if (status - STATUS_LEAST < STATUS_COUNT) metrics->status[status - STATUS_LEAST]++;
  observe(metrics->fine_buckets, FINE_BOUNDS, BUCKETS_FINE, nanoseconds);
  metrics->fine_sum += nanoseconds;
  if (status < 200 || status > 399) return;
  metrics->requests++;
  observe(metrics->old_buckets, OLD_BOUNDS, BUCKETS_OLD, nanoseconds);
  metrics->old_sum += nanoseconds;
}

static void sum_up(struct metrics *sum) {
  *sum = (struct metrics){0};
  uint64_t *to = (uint64_t *)sum;
  for (uint32_t worker = 0; worker < count; worker++) {
    const volatile uint64_t *from = (const volatile uint64_t *)(all + worker);
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) to[i] += from[i];
  }
  sum->files = metrics->files;
}

/* `{site="…"`: as the exposition format wants it escaped. */
static void write_name(struct text *text, const char *name) {
  text_string(text, name);
  text_string(text, "{site=\"");
  for (const char *at = options.site; *at != '\0'; at++) {
    if (*at == '\\' || *at == '"') text_add(text, "\\", 1);
    if (*at == '\n') text_string(text, "\\n");
    else text_add(text, at, 1);
  }
  text_add(text, "\"", 1);
}

static void write_kind(struct text *text, const char *name, const char *kind) {
  text_string(text, "# TYPE ");
  text_string(text, name);
  text_add(text, " ", 1);
  text_string(text, kind);
  text_add(text, "\n", 1);
}

static void write_value(struct text *text, uint64_t value) {
  text_string(text, "} ");
  text_number(text, value);
  text_add(text, "\n", 1);
}

static void write_plain(struct text *text, const char *name, const char *kind, uint64_t value) {
  write_kind(text, name, kind);
  write_name(text, name);
  write_value(text, value);
}

/* A number of `unit`s as seconds, without needless zeros. */
static void write_seconds(struct text *text, uint64_t value, uint64_t unit) {
  text_number(text, value / unit);
  value %= unit;
  if (value == 0) return;
  text_add(text, ".", 1);
  while (value != 0) {
    unit /= 10;
    text_add(text, &"0123456789"[value / unit], 1);
    value %= unit;
  }
}

static void write_statuses(struct text *text, const char *name, const struct metrics *sum) {
  write_kind(text, name, "counter");
  for (unsigned i = 0; i < STATUS_COUNT; i++) {
    if (sum->status[i] == 0) continue;
    write_name(text, name);
    text_string(text, ",status=\"");
    text_number(text, i + STATUS_LEAST);
    text_add(text, "\"", 1);
    write_value(text, sum->status[i]);
  }
}

static void write_histogram(struct text *text, const char *name, const uint64_t *buckets, const uint32_t *bounds, int bounds_count, uint64_t sum) {
  static char part[64];
  write_kind(text, name, "histogram");
  uint64_t total = 0;
  for (int i = 0; i <= bounds_count; i++) {
    struct text full_name = text_in(part, sizeof part - 1);
    text_string(&full_name, name);
    text_string(&full_name, "_bucket");
    *full_name.at = '\0';
    write_name(text, part);
    text_string(text, ",le=\"");
    if (i < bounds_count) write_seconds(text, bounds[i], 1000000);
    else text_string(text, "+Inf");
    text_add(text, "\"", 1);
    total += buckets[i];
    write_value(text, total);
  }
  struct text full_name = text_in(part, sizeof part - 1);
  text_string(&full_name, name);
  text_string(&full_name, "_sum");
  *full_name.at = '\0';
  write_name(text, part);
  text_string(text, "} ");
  write_seconds(text, sum, 1000000000);
  text_add(text, "\n", 1);
  memcpy(full_name.at - 4, "_count", sizeof "_count");
  write_name(text, part);
  write_value(text, total);
}

size_t metrics_page(char *page, size_t room) {
  struct text text = text_in(page, room);
  struct metrics sum;
  sum_up(&sum);
  write_statuses(&text, "statigo_status_total", &sum);
  write_plain(&text, "statigo_requests_total", "counter", sum.requests);
  write_histogram(&text, "statigo_response_time_seconds", sum.old_buckets, OLD_BOUNDS, BUCKETS_OLD, sum.old_sum);
  write_statuses(&text, "steppe_responses_total", &sum);
  write_histogram(&text, "steppe_response_time_seconds", sum.fine_buckets, FINE_BOUNDS, BUCKETS_FINE, sum.fine_sum);
  write_plain(&text, "steppe_response_body_bytes_total", "counter", sum.body_bytes);
  write_plain(&text, "steppe_connections_accepted_total", "counter", sum.accepted);
  write_plain(&text, "steppe_connections_open", "gauge", sum.open);
  write_plain(&text, "steppe_connections_timed_out_total", "counter", sum.timed_out);
  write_plain(&text, "steppe_descriptors_exhausted_total", "counter", sum.exhausted);
  write_plain(&text, "steppe_log_lines_dropped_total", "counter", sum.lines_dropped);
  write_plain(&text, "steppe_site_files", "gauge", sum.files);
  write_plain(&text, "steppe_site_loads_total", "counter", sum.loads);
  write_plain(&text, "steppe_workers", "gauge", count);
  return (size_t)(text.at - page);
}
