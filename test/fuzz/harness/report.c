/* In place of the host's report.c: the end of the process is a finding. */
#include "report.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include "fuzz.h"

jmp_buf *refusal;

static void print(const char *first, va_list rest) {
  for (const char *part = first; part != NULL; part = va_arg(rest, const char *)) fputs(part, stderr);
  fputc('\n', stderr);
}

void finding(const char *what) {
  fprintf(stderr, "finding: %s\n", what);
  abort();
}

const char *error_words(int error) {
  return strerror(error);
}

void report(const char *first, ...) {
  va_list rest;
  va_start(rest, first);
  print(first, rest);
  va_end(rest);
}

void report_error(int error, const char *first, ...) {
  va_list rest;
  va_start(rest, first);
  fprintf(stderr, "%s: ", strerror(error));
  print(first, rest);
  va_end(rest);
}

void fail(int code, const char *first, ...) {
  if (code == EXIT_USAGE && refusal != NULL) longjmp(*refusal, 1);
  va_list rest;
  va_start(rest, first);
  print(first, rest);
  va_end(rest);
  finding("the host gave up");
}

void fail_error(int error, const char *first, ...) {
  fprintf(stderr, "%s: ", strerror(error));
  finding(first);
}

/* options.c is compiled with these names in place of `_exit` and `write`: --help and --version are no finding. */
_Noreturn void leave_instead(int code) {
  MUST(code == 0 && refusal != NULL);
  longjmp(*refusal, 1);
}

ssize_t write_instead(int file, const void *bytes, size_t length) {
  (void)file, (void)bytes;
  return (ssize_t)length;
}
