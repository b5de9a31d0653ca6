#include "report.h"
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <unistd.h>
#include "text.h"

/* Those that a server meets: all of strerror's would cost 4 KB. */
static const struct {
  int error;
  const char *words;
} known_errors[] = {
    {EACCES, "permission denied"},
    {EADDRINUSE, "the address is in use"},
    {EADDRNOTAVAIL, "this machine does not have that address"},
    {ELOOP, "too many symbolic links"},
    {EMFILE, "the limit of open files is reached"},
    {ENFILE, "the machine's limit of open files is reached"},
    {ENOENT, "it does not exist"},
    {ENOMEM, "there is no memory for it"},
    {ENOSPC, "a limit of the machine is reached"},
    {ENOTDIR, "it is not a folder"},
    {EPERM, "not permitted"},
    {EXDEV, "it leads out of the root"},
};

const char *error_words(int error) {
  for (size_t i = 0; i < sizeof known_errors / sizeof *known_errors; i++) {
    if (known_errors[i].error == error) return known_errors[i].words;
  }
  static char number[24];
  struct text text = text_in(number, sizeof number - 1);
  text_string(&text, "error ");
  text_number(&text, (uint64_t)error);
  *text.at = '\0';
  return number;
}

static void write_line(const char *first, va_list rest, const char *last) {
  char line[2048];
  struct text text = text_in(line, sizeof line - 1);
  text_string(&text, "steppe-static: ");
  for (const char *part = first; part != NULL; part = va_arg(rest, const char *)) text_string(&text, part);
  if (last != NULL) {
    text_string(&text, ": ");
    text_string(&text, last);
  }
  *text.at++ = '\n';
  struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0) {
    /* There is nowhere to say that this failed. */
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)(text.at - line));
    (void)ignored;
  }
}

#define WRITE_LINE(last)             \
  va_list rest;                      \
  va_start(rest, first);             \
  write_line(first, rest, (last));   \
  va_end(rest)

void report(const char *first, ...) {
  WRITE_LINE(NULL);
}

void report_error(int error, const char *first, ...) {
  WRITE_LINE(error_words(error));
}

void fail(int code, const char *first, ...) {
  WRITE_LINE(NULL);
  _exit(code);
}

void fail_error(int error, const char *first, ...) {
  WRITE_LINE(error_words(error));
  _exit(EXIT_FAILED);
}
