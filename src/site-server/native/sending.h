/* Sending an answer, and what is left of it when the client does not take it all at once. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "address.h"
#include "reply.h"

/*
 * The least rate at which a client may take an answer that is not all with the kernel, bytes a second: after SENDING_GRACE seconds it has to have earned those that
 * follow. It may be silent for SENDING_MOST seconds at most, however fast it was.
 */
enum { SENDING_RATE = 240, SENDING_GRACE = 10, SENDING_MOST = 30 };

/* For the log and the metrics. */
struct sent_line {
  const struct address *peer;
  bool known; /* it was a request */
  bool unread;
  uint64_t began; /* clock_turn */
};

struct sending {
  size_t mapped;
  int file; /* its own; -1 if nothing is left of the body */
  uint64_t offset, left;
  int64_t taken; /* bytes that the client had confirmed when its time was looked at last; less than nothing if it has earlier answers to take */
  int64_t given; /* bytes that the kernel took */
  uint64_t body_bytes;
  struct sent_line line;
  uint32_t at, end;           /* of the head, in `text` */
  uint32_t log_bytes, log_end; /* of the log's line, in `text`: where its number of bytes belongs */
  uint16_t status;
  bool close, unlogged;
  char text[];
};

enum sent {
  SENT_ALL,
  SENT_PART,   /* the rest is in `sending` */
  SENT_FAILED, /* the connection is broken, or the file does not have what its head says any more */
};

/* Sends it, which leaves in it what is left, and when all is sent logs and counts it. `more`: another answer follows at once. */
enum sent send_reply(int socket, struct reply *, const struct sent_line *, bool more, struct sending **);
enum sent sending_continue(int socket, struct sending *);
/* Logs and counts what was sent, and gives its memory back. */
void sending_end(struct sending *);
/* The seconds that the client has earned since this was asked last. */
uint32_t sending_earned(int socket, struct sending *);
