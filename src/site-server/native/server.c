#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "clock.h"
#include "connection.h"
#include "files.h"
#include "listener.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "report.h"
#include "site.h"
#include "text.h"
#include "watching.h"

enum { EVENTS = 128, ACCEPTS = 64, TOLD_SECONDS = 10 };
/* Connections that have been answered before and are idle are kept so long after SIGTERM: a request may be on its way. */
enum { IDLE_GRACE_SECONDS = 1 };

static int epoll_descriptor, signals, timer;
/* Given up to have one to accept a connection with, and so to end it, when there are no others. */
static int reserve;
static uint32_t ends_at, idle_ends_at; /* ticks; 0: it is not to end */

static void wait_for(int descriptor) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
  if (epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, descriptor, &event) != 0) fail_error(errno, "cannot wait for connections", NULL);
}

static int open_reserve(void) {
  return open("/", O_PATH | O_CLOEXEC);
}

/* No descriptor is left for the connection that waits. */
static void make_room(void) {
  static uint32_t told;
  metrics->exhausted++;
  if (told == 0 || clock_tick >= told + TOLD_SECONDS) {
    told = clock_tick;
    char number[24];
    struct text text = text_in(number, sizeof number - 1);
    text_number(&text, connections_open);
    *text.at = '\0';
    report("the limit of open files is reached with ", number, " connections: idle ones are ended, new ones turned away", NULL);
  }
  if (connections_make_room() > 0) return;
  files_forget();
  close(reserve);
  int refused = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (refused >= 0) close(refused);
  reserve = open_reserve();
}

static void accept_all(void) {
  for (int i = 0; i < ACCEPTS; i++) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int socket = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= CONNECTIONS_MOST) {
      close(socket);
      make_room();
    } else if (socket >= 0) {
      connection_accepted(socket, &peer);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      make_room();
    } else if (errno == EAGAIN) {
      return;
    }
    /* Other errors are those of the connection that waited: accept(2). */
  }
}

static void begin_to_end(void) {
  if (ends_at != 0) return;
  ends_at = clock_tick + options.shutdown_timeout;
  idle_ends_at = clock_tick + IDLE_GRACE_SECONDS;
  connections_finish();
  /* Those that the kernel has taken for us already are ours to answer. */
  accept_all();
  listeners_close();
  listener = -1;
}

static void read_signal(void) {
  struct signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGHUP) watching_reload();
    else begin_to_end();
  }
}

/* It goes on when it is read: timerfd_create(2). */
static void read_timer(void) {
  uint64_t times;
  while (read(timer, &times, sizeof times) > 0) continue;
}

/* Ends the process when nothing is left to do, or no time. */
static void end_if_done(void) {
  if (ends_at == 0) return;
  if (clock_tick > idle_ends_at) connections_end_idle();
  if (connections_open > 0 && clock_tick <= ends_at) return;
  log_flush(true);
  _exit(0);
}

static void take_event(int descriptor, uint32_t events) {
  if (descriptor == listener) accept_all();
  else if (descriptor == signals) read_signal();
  else if (descriptor == watching) watching_ready();
  else if (descriptor == timer) read_timer();
  else connection_ready(descriptor, events);
}

/*
 * Has the loop go on in every tick, or only when something comes. A time limit of epoll_wait would do the same, but costs two looks at the clock in each call: 2 %
 * of an answer.
 */
static void set_timer(bool on) {
  static bool is_on;
  if (on == is_on) return;
  is_on = on;
  struct itimerspec times = {0};
  if (on) times.it_value.tv_nsec = times.it_interval.tv_nsec = CLOCK_TICK - 1;
  timerfd_settime(timer, 0, &times, NULL);
}

/* What happens now and then. Returns how many milliseconds may pass until the next time. */
static int tick(void) {
  static uint32_t last;
  bool second = last != clock_tick;
  last = clock_tick;
  if (second) connections_tick();
  int wait = watching_tick();
  bool logs = log_flush(second);
  end_if_done();
  if (ends_at != 0) return 50;
  bool on = options.watch || connections_open > 0 || logs;
  if (on || second) set_timer(on);
  return wait;
}

static void tell_start(void) {
  char number[24];
  struct text text = text_in(number, sizeof number - 1);
  text_number(&text, site_files);
  *text.at = '\0';
  report("serving ", number, " files of ", options.root_dir, " on ", listener_name(), NULL);
}

void server_run(bool speaks) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
  signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  reserve = open_reserve();
  if (epoll_descriptor < 0 || signals < 0 || timer < 0) fail_error(errno, "cannot wait for connections", NULL);
  clock_update();
  connections_start(epoll_descriptor);
  site_start(epoll_descriptor, speaks);
  wait_for(signals);
  wait_for(timer);
  wait_for(listener);
  if (speaks) tell_start();
  while (true) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll_descriptor, events, EVENTS, tick());
    clock_update();
    for (int i = 0; i < count; i++) take_event(events[i].data.fd, events[i].events);
  }
}
