/* What is to be sent for one request: the core's answer after every value of it was checked, with its file open; or a page of the server itself. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Bodies up to this size are read behind their heads and sent with them. */
enum { SMALL_BODY = 16384 };

struct reply {
  const uint8_t *bytes; /* the head, and whatever is sent with it */
  uint32_t length;
  int file; /* of the cache; -1 if there is none to send from */
  uint64_t offset, left;
  uint64_t body_bytes; /* as the log has it */
  uint16_t status;
  bool close;
  bool unlogged; /* health and metrics: neither logged nor counted */
};

/* Answers the request that the core parsed last. With `close` the connection ends after it. */
void reply_to_request(struct reply *, bool close);
/* Answers what is no request, or came too late. */
void reply_with_status(struct reply *, unsigned status);
