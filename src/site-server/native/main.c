/* steppe-static: the native host of the site server. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core.h"
#include "listener.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "server.h"
#include "workers.h"

static void raise_limit_of_files(void) {
  struct rlimit limit;
  /* By itself: musl's setrlimit is made for threads, and brings 4 KB of code. */
  if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  /* If that is refused, the limit stays what it was, and is said when it is reached. */
  syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

/* sendfile to a client that went away is an error of that connection, not a signal. */
static void block_sigpipe(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(int count, char **arguments) {
  options_read(arguments + (count > 0));
  block_sigpipe();
  raise_limit_of_files();
  int error = root_open();
  if (error != 0) fail_error(error, "cannot open the root folder ", options.root_dir, NULL);
  listeners_open(options.workers);
  metrics_share(options.workers);
  log_share();
  uint32_t worker = 0;
  if (options.workers > 1) {
    worker = workers_run(options.workers);
    listener_use(worker);
  }
  metrics_use(worker);
  core_start();
  server_run(worker == 0);
}
