#include "sending.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include "clock.h"
#include "files.h"
#include "listener.h"
#include "log.h"
#include "metrics.h"
#include "options.h"

/* One connection sends so much before the others have their turn, and so much of a long answer where it is paced. */
enum { TURN = 1 << 20, PACED_TURN = 1 << 18 };

/* Sends the body from a file, `turn` bytes of it at most. */
static enum sent send_body(int socket, int file, uint64_t *offset, uint64_t *left, uint64_t turn) {
  while (*left > 0) {
    if (turn == 0) return SENT_PART;
    off_t at = (off_t)*offset;
    ssize_t sent = sendfile(socket, file, &at, *left < turn ? *left : turn);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? SENT_PART : SENT_FAILED;
    /* It was truncated: its length was said, and cannot be taken back. */
    if (sent == 0) return SENT_FAILED;
    *offset += (uint64_t)sent;
    *left -= (uint64_t)sent;
    turn -= (uint64_t)sent;
  }
  return SENT_ALL;
}

static void write_log(const struct reply *reply, const struct sent_line *line) {
  if (options.no_request_logging) return;
  char *begin = log_line_begin();
  if (begin == NULL) return;
  struct text text = text_in(begin, LOG_LINE_MOST);
  log_before_bytes(&text, line->peer, line->known, reply->status);
  text_number(&text, reply->body_bytes - reply->left);
  log_after_bytes(&text, line->known);
  log_line_end(text.at);
}

static void count(unsigned status, uint64_t body_bytes, const struct sent_line *line) {
  if (options.no_metrics) return;
  /* Its end is the beginning of what comes next: one look at the clock for both. */
  clock_turn = clock_now();
  metrics_count(status, body_bytes, clock_turn - line->began);
}

/* Keeps what is left, and the line for the log, since the core's memory is used again. NULL if there is no memory or descriptor for it. */
static struct sending *keep(const struct reply *reply, const struct sent_line *line, uint32_t sent, uint64_t body_sent) {
  uint32_t rest = reply->length - sent;
  size_t bytes = sizeof(struct sending) + rest + LOG_LINE_MOST;
  struct sending *sending = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (sending == MAP_FAILED) return NULL;
  *sending = (struct sending){
      .mapped = bytes,
      .file = -1,
      .offset = reply->offset,
      .left = reply->left,
      .given = (int64_t)(sent + body_sent),
      .body_bytes = reply->body_bytes,
      .line = *line,
      .end = rest,
      .status = reply->status,
      .close = reply->close,
      .unlogged = reply->unlogged,
  };
  memcpy(sending->text, reply->bytes + sent, rest);
  struct text text = text_in(sending->text + rest, LOG_LINE_MOST);
  if (!options.no_request_logging && !reply->unlogged) {
    log_before_bytes(&text, line->peer, line->known, reply->status);
    sending->log_bytes = (uint32_t)(text.at - sending->text);
    log_after_bytes(&text, line->known);
  }
  sending->log_end = (uint32_t)(text.at - sending->text);
  if (reply->left == 0) return sending;
  sending->file = fcntl(reply->file, F_DUPFD_CLOEXEC, 0);
  if (sending->file < 0) {
    files_forget();
    munmap(sending, bytes);
    return NULL;
  }
  return sending;
}

enum sent send_reply(int socket, struct reply *reply, const struct sent_line *line, bool more, struct sending **sending) {
  uint64_t left = reply->left;
  int flags = MSG_NOSIGNAL | (left > 0 || more ? MSG_MORE : 0);
  ssize_t sent = send(socket, reply->bytes, reply->length, flags);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return SENT_FAILED;
  uint32_t given = sent < 0 ? 0 : (uint32_t)sent;
  enum sent outcome = given < reply->length ? SENT_PART : SENT_ALL;
  if (outcome == SENT_ALL && left > 0) outcome = send_body(socket, reply->file, &reply->offset, &reply->left, TURN);
  if (outcome == SENT_PART) {
    *sending = keep(reply, line, given, left - reply->left);
    return *sending == NULL ? SENT_FAILED : SENT_PART;
  }
  if (reply->unlogged) return outcome;
  write_log(reply, line);
  count(reply->status, reply->body_bytes - reply->left, line);
  return outcome;
}

enum sent sending_continue(int socket, struct sending *sending) {
  if (sending->at < sending->end) {
    int flags = MSG_NOSIGNAL | (sending->left > 0 ? MSG_MORE : 0);
    ssize_t sent = send(socket, sending->text + sending->at, sending->end - sending->at, flags);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? SENT_PART : SENT_FAILED;
    sending->at += (uint32_t)sent;
    sending->given += sent;
    if (sending->at < sending->end) return SENT_PART;
  }
  uint64_t before = sending->left;
  enum sent outcome = send_body(socket, sending->file, &sending->offset, &sending->left, listener_paces ? PACED_TURN : TURN);
  sending->given += (int64_t)(before - sending->left);
  return outcome;
}

void sending_end(struct sending *sending) {
  uint64_t bytes = sending->body_bytes - sending->left;
  /* A small body is part of the text: what was not given of it was not sent. */
  if (sending->left == 0) bytes -= sending->end - sending->at < bytes ? sending->end - sending->at : bytes;
  if (!sending->unlogged) {
    char *begin = options.no_request_logging ? NULL : log_line_begin();
    if (begin != NULL) {
      struct text text = text_in(begin, LOG_LINE_MOST);
      text_add(&text, sending->text + sending->end, sending->log_bytes - sending->end);
      text_number(&text, bytes);
      text_add(&text, sending->text + sending->log_bytes, sending->log_end - sending->log_bytes);
      log_line_end(text.at);
    }
    count(sending->status, bytes, &sending->line);
  }
  if (sending->file >= 0) close(sending->file);
  munmap(sending, sending->mapped);
}

uint32_t sending_earned(int socket, struct sending *sending) {
  int queued = 0;
  if (ioctl(socket, TIOCOUTQ, &queued) != 0) return 0;
  int64_t before = sending->taken;
  sending->taken = sending->given - queued;
  int64_t earned = (sending->taken - before) / SENDING_RATE;
  return earned < SENDING_MOST ? (uint32_t)earned : SENDING_MOST;
}
