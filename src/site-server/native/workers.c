#include "workers.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "log.h"
#include "options.h"
#include "report.h"
#include "text.h"

enum { WORKERS_MOST = 64 };
static const uint64_t SECOND = 1000000000;

static struct {
  pid_t process;
  uint64_t started;
} workers[WORKERS_MOST];
static uint32_t count;
static bool ending;
static uint64_t killed_at;

/* True in the new worker. */
static bool start_worker(uint32_t number) {
  pid_t keeper = getpid();
  pid_t process = _Fork(); /* there are no threads whose locks fork would have to take */
  if (process == 0) {
    /* A keeper that is killed takes its workers along: nobody would end them. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper) _exit(EXIT_FAILED);
    return true;
  }
  if (process < 0) report_error(errno, "cannot start a worker", NULL);
  workers[number].process = process < 0 ? 0 : process;
  workers[number].started = clock_now();
  return false;
}

static void tell_death(pid_t process, int status) {
  char line[64];
  struct text text = text_in(line, sizeof line - 1);
  text_number(&text, (uint64_t)process);
  text_string(&text, WIFSIGNALED(status) ? " died of signal " : " ended with ");
  text_number(&text, (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
  *text.at = '\0';
  report("worker ", line, ending ? NULL : "; another takes its place", NULL);
}

static uint32_t alive(void) {
  uint32_t living = 0;
  for (uint32_t i = 0; i < count; i++) living += workers[i].process != 0;
  return living;
}

static void bury(void) {
  int status;
  pid_t process;
  while ((process = waitpid(-1, &status, WNOHANG)) > 0) {
    for (uint32_t i = 0; i < count; i++) {
      if (workers[i].process != process) continue;
      workers[i].process = 0;
      log_release(process);
      if (!ending || status != 0) tell_death(process, status);
    }
  }
}

static void signal_all(int signal) {
  for (uint32_t i = 0; i < count; i++) {
    if (workers[i].process != 0) kill(workers[i].process, signal);
  }
}

uint32_t workers_run(uint32_t wanted) {
  count = wanted;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  while (true) {
    for (uint32_t i = 0; i < count && !ending; i++) {
      /* One that dies at once is not started again at once. */
      if (workers[i].process != 0 || (workers[i].started != 0 && clock_now() - workers[i].started < SECOND)) continue;
      if (start_worker(i)) return i;
    }
    if (ending && alive() == 0) _exit(0);
    if (ending && clock_now() > killed_at) signal_all(SIGKILL);
    struct timespec second = {.tv_sec = 1};
    int signal = sigtimedwait(&set, NULL, ending || alive() < count ? &second : NULL);
    bury();
    if (signal == SIGHUP) signal_all(SIGHUP);
    if ((signal != SIGTERM && signal != SIGINT) || ending) continue;
    ending = true;
    killed_at = clock_now() + (options.shutdown_timeout + 1) * SECOND;
    signal_all(SIGTERM);
  }
}
