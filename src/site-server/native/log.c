#include "log.h"
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "core.h"
#include "metrics.h"
#include "options.h"
#include "report.h"

/* A pipe that is ready takes at least PIPE_BUF bytes without waiting, and takes them whole: pipe(7). */
enum { PIPE_CHUNK = 4096, CHUNK = 16384, BUFFER = 65536 };
enum { TARGET_MOST = 2000, TEXT_MOST = 700, METHOD_MOST = 40 };

static char buffer[BUFFER];
static uint32_t begin, end;
static uint64_t dropped, dropped_told;
static atomic_int *turn; /* the process that writes now, or 0 */

void log_share(void) {
  void *shared = mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail(EXIT_FAILED, "there is no memory for the log", NULL);
  turn = shared;
}

void log_release(int process) {
  atomic_compare_exchange_strong(turn, &process, 0);
}

/* The last of the list that no trusted proxy wrote: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For */
static bool last_untrusted(const uint8_t *list, size_t length, struct address *client) {
  while (true) {
    size_t at = length;
    while (at > 0 && list[at - 1] != ',') at--;
    const uint8_t *item = list + at;
    size_t bytes = length - at;
    while (bytes > 0 && (*item == ' ' || *item == '\t')) item++, bytes--;
    while (bytes > 0 && (item[bytes - 1] == ' ' || item[bytes - 1] == '\t')) bytes--;
    struct address address;
    /* What comes before a word that is no address was written by who knows whom. */
    if (!address_parse(&address, item, bytes, true)) return true;
    *client = address;
    if (!networks_have(&trusted_networks, client)) return true;
    if (at == 0) return false;
    length = at - 1;
  }
}

static bool is_forwarded_for(const uint8_t *name, uint32_t length) {
  static const char wanted[] = "x-forwarded-for";
  if (length != sizeof wanted - 1) return false;
  for (uint32_t i = 0; i < length; i++) {
    if ((name[i] | 0x20) != wanted[i]) return false;
  }
  return true;
}

static void find_client(struct address *client) {
  const uint8_t *known = core_request + REQUEST_AT_KNOWN + 8 * FIELD_X_FORWARDED_FOR;
  uint32_t at = read_u32(known, 0), length = read_u32(known, 4);
  if (at == 0 || !networks_have(&trusted_networks, client)) return;
  if ((read_u32(core_request, REQUEST_AT_REPEATED) >> FIELD_X_FORWARDED_FOR & 1) == 0) {
    last_untrusted(core_at(at, length, "field"), length, client);
    return;
  }
  uint32_t count = core_request[REQUEST_AT_FIELD_COUNT];
  if (count > FIELD_LIMIT) core_is_wrong("count of fields");
  for (const uint8_t *field = core_request + REQUEST_AT_FIELDS + count * REQUEST_FIELD_SIZE; count > 0; count--) {
    field -= REQUEST_FIELD_SIZE;
    length = read_u32(field, 4);
    if (!is_forwarded_for(core_at(read_u32(field, 0), length, "name of a field"), length)) continue;
    length = read_u32(field, 12);
    if (last_untrusted(core_at(read_u32(field, 8), length, "field"), length, client)) return;
  }
}

/* `24/Nov/2026:11:04:37`, from the core's `Tue, 24 Nov 2026 11:04:37 GMT`. */
static void add_time(struct text *text) {
  const uint8_t *date = core_at(ANSWER(date), 29, "date");
  char *begin = text->at;
  text_add(text, date + 5, 20);
  begin[2] = begin[6] = '/';
  begin[11] = ':';
}

/* What a line begins with. It is that of the line before, mostly: a second has many lines, and who asks for a page asks for more. */
static void add_client_and_time(struct text *text, const struct address *client) {
  static char begin[96];
  static struct text written;
  static struct address of;
  static int64_t when = -1;
  if (when != clock_seconds || memcmp(&of, client, sizeof of) != 0) {
    of = *client;
    when = clock_seconds;
    written = text_in(begin, sizeof begin);
    address_write(&written, client);
    text_string(&written, " - - [");
    add_time(&written);
    text_string(&written, " +0000] \"");
  }
  text_add(text, begin, (size_t)(written.at - begin));
}

static void add_bounded(struct text *text, uint32_t at, uint32_t length, size_t most) {
  struct text part = *text;
  if ((size_t)(part.end - part.at) > most) part.end = part.at + most;
  text_escaped(&part, core_at(at, length, "text of the request"), length);
  text->at = part.at;
}

void log_before_bytes(struct text *text, const struct address *peer, bool known, unsigned status) {
  struct address client = *peer;
  if (known) find_client(&client);
  add_client_and_time(text, &client);
  if (known) {
    add_bounded(text, read_u32(core_request, REQUEST_AT_METHOD_NAME), read_u32(core_request, REQUEST_AT_METHOD_LENGTH), METHOD_MOST);
    text_add(text, " ", 1);
    add_bounded(text, read_u32(core_request, REQUEST_AT_TARGET), read_u32(core_request, REQUEST_AT_TARGET_LENGTH), TARGET_MOST);
    text_add(text, core_request[REQUEST_AT_MINOR] == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ", 11);
  } else {
    text_add(text, "-\" ", 3);
  }
  text_number(text, status);
  text_add(text, " ", 1);
}

static void add_field(struct text *text, bool known, uint32_t field) {
  const uint8_t *record = core_request + REQUEST_AT_KNOWN + 8 * field;
  uint32_t at = known ? read_u32(record, 0) : 0;
  if (at == 0) text_add(text, "-", 1);
  else add_bounded(text, at, read_u32(record, 4), TEXT_MOST);
}

void log_after_bytes(struct text *text, bool known) {
  text_add(text, " \"", 2);
  add_field(text, known, FIELD_REFERER);
  text_add(text, "\" \"", 3);
  add_field(text, known, FIELD_USER_AGENT);
  text_add(text, "\"\n", 2);
}

static void count_dropped(uint32_t lines) {
  dropped += lines;
  metrics->lines_dropped += lines;
}

char *log_line_begin(void) {
  if (BUFFER - end < LOG_LINE_MOST) log_flush(true);
  if (BUFFER - end < LOG_LINE_MOST && begin > 0) {
    memmove(buffer, buffer + begin, end - begin);
    end -= begin;
    begin = 0;
  }
  if (BUFFER - end >= LOG_LINE_MOST) return buffer + end;
  count_dropped(1);
  return NULL;
}

void log_line_end(const char *at) {
  end = (uint32_t)(at - buffer);
}

/* As many whole lines as may be written at once. */
static uint32_t chunk(uint32_t most) {
  uint32_t length = end - begin;
  if (length <= most) return length;
  while (most > 0 && buffer[begin + most - 1] != '\n') most--;
  return most;
}

/* One write that does not wait; false if nothing could be written. */
static bool write_some(mode_t kind) {
  struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
  if (poll(&ready, 1, 0) == 0) return false;
  uint32_t length = chunk(S_ISREG(kind) || S_ISCHR(kind) ? BUFFER : PIPE_CHUNK);
  ssize_t written = S_ISSOCK(kind) ? send(STDOUT_FILENO, buffer + begin, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                                   : write(STDOUT_FILENO, buffer + begin, length);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  /* Nobody reads it any more, or the disk is full: these lines are lost, the server goes on. */
  if (written < 0) {
    for (uint32_t i = begin; i < begin + length; i++) count_dropped(buffer[i] == '\n');
    written = (ssize_t)length;
  }
  begin += (uint32_t)written;
  if (begin == end) begin = end = 0;
  return true;
}

static void tell_dropped(void) {
  static uint32_t told_at;
  if (dropped == dropped_told || (told_at != 0 && clock_tick < told_at + 10)) return;
  char number[24];
  struct text text = text_in(number, sizeof number - 1);
  text_number(&text, dropped - dropped_told);
  *text.at = '\0';
  report(number, " lines of the access log were dropped: standard output is read too slowly", NULL);
  dropped_told = dropped;
  told_at = clock_tick;
}

bool log_flush(bool all) {
  static mode_t kind;
  if (kind == 0) {
    struct stat status;
    kind = fstat(STDOUT_FILENO, &status) == 0 ? status.st_mode : S_IFREG;
  }
  uint32_t enough = all ? 1 : S_ISREG(kind) || S_ISCHR(kind) ? CHUNK : PIPE_CHUNK;
  if (end - begin < enough) return end != begin;
  int nobody = 0;
  if (!atomic_compare_exchange_strong(turn, &nobody, getpid())) return true;
  while (end - begin >= enough && write_some(kind)) continue;
  atomic_store(turn, 0);
  tell_dropped();
  return end != begin;
}
