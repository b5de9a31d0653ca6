#include "watching.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "clock.h"
#include "files.h"
#include "metrics.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "site.h"

/* Nanoseconds. Writers mostly change many files: the index is read again when they have been quiet, or when this has gone on for too long. */
static const uint64_t QUIET = 100000000, LONGEST = 1000000000;

int watching = -1;
static int epoll_descriptor;
static uint64_t first_change, last_change; /* 0: nothing changed */
static uint32_t looked; /* tick in which the root's path was looked at last */

/* A new descriptor for each load: the watches of folders that are no longer part of the site go with the old one. */
static int watch_anew(void) {
  if (!options.watch) return -1;
  int fresh = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fresh};
  if (fresh < 0 || epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, fresh, &event) != 0) {
    report_error(errno, "cannot watch ", options.root_dir, NULL);
    if (fresh >= 0) close(fresh);
    return -1;
  }
  return fresh;
}

/* Replaces the index, or leaves everything as it is. */
static bool load(void) {
  int fresh = watch_anew();
  if (!site_load(fresh)) {
    if (fresh >= 0) close(fresh);
    return false;
  }
  if (fresh >= 0) {
    if (watching >= 0) close(watching);
    watching = fresh;
  }
  files_forget();
  metrics->files = site_files;
  metrics->loads++;
  return true;
}

void site_start(int epoll, bool speaks) {
  site_speaks = speaks;
  epoll_descriptor = epoll;
  looked = clock_tick;
  if (!load()) fail(EXIT_FAILED, "nothing to serve", NULL);
}

void watching_ready(void) {
  _Alignas(struct inotify_event) char events[4096];
  while (read(watching, events, sizeof events) > 0) continue;
  last_change = clock_now();
  if (first_change == 0) first_change = last_change;
}

void watching_reload(void) {
  first_change = last_change = 1;
}

int watching_tick(void) {
  if (options.watch && looked != clock_tick) {
    looked = clock_tick;
    if (root_moved()) watching_reload();
  }
  if (first_change == 0) return -1;
  uint64_t now = clock_now();
  if (now - last_change < QUIET && now - first_change < LONGEST) return 50;
  first_change = last_change = 0;
  int error = root_moved() ? root_open() : 0;
  if (error != 0) report_error(error, "cannot open ", options.root_dir, NULL);
  else load();
  return -1;
}
