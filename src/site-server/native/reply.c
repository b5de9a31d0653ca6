#include "reply.h"
#include <string.h>
#include "core.h"
#include "files.h"
#include "metrics.h"
#include "options.h"
#include "site.h"
#include "text.h"

/* Each attempt finds the records corrected by the one before; a file that changes faster than that is given up. */
enum { ATTEMPTS = 5 };

/* Takes over what the core answered. */
static void read_answer(struct reply *reply) {
  reply->status = read_u16(core_answer, ANSWER_AT_STATUS);
  if (reply->status < STATUS_LEAST || reply->status >= STATUS_LEAST + STATUS_COUNT) core_is_wrong("status");
  reply->close = (core_answer[ANSWER_AT_FLAGS] & ANSWER_CLOSE) != 0;
  reply->length = read_u32(core_answer, ANSWER_AT_HEAD_LENGTH);
  reply->bytes = core_at(read_u32(core_answer, ANSWER_AT_HEAD), (uint64_t)reply->length + SMALL_BODY, "head");
  reply->body_bytes = read_u32(core_answer, ANSWER_AT_PAGE_BYTES);
  if (reply->length == 0 || reply->body_bytes > reply->length) core_is_wrong("length of the head");
  reply->left = 0;
  reply->file = -1;
}

static void read_wanted(struct wanted_file *wanted) {
  wanted->form_record = read_u32(core_answer, ANSWER_AT_FORM_RECORD);
  wanted->file_record = read_u32(core_answer, ANSWER_AT_FILE);
  wanted->form = core_answer[ANSWER_AT_FORM];
  wanted->path_length = read_u32(core_answer, ANSWER_AT_PATH_LENGTH);
  wanted->path = core_at(read_u32(core_answer, ANSWER_AT_PATH), wanted->path_length, "path");
}

/* Reads a small body behind its head. False if the file does not have it any more. */
static bool read_small(struct reply *reply) {
  uint8_t *room = core_input + (reply->bytes - core_input) + reply->length;
  if (!file_read(room, reply->offset, (uint32_t)reply->left)) return false;
  reply->length += (uint32_t)reply->left;
  reply->left = 0;
  return true;
}

/* Opens what is to be sent, and reads it if it is small. */
static enum file_state find_body(struct reply *reply, const struct wanted_file *wanted) {
  uint64_t bytes;
  enum file_state state = file_open(wanted, &reply->file, &bytes);
  if (state != FILE_READY) return state;
  reply->left = read_size(core_answer, ANSWER_AT_BYTES, "bytes of the body");
  if (reply->left == 0) return FILE_READY;
  if (read_u32(core_answer, ANSWER_AT_SOURCE) != SOURCE_OWN) core_is_wrong("source of the body");
  reply->offset = read_size(core_answer, ANSWER_AT_OFFSET, "offset of the body");
  if (reply->offset > bytes || reply->left > bytes - reply->offset) core_is_wrong("range of the body");
  reply->body_bytes = reply->left;
  if (reply->left > SMALL_BODY || read_small(reply)) return FILE_READY;
  file_doubt(wanted->form_record);
  return FILE_CHANGED;
}

static enum file_state answer_from_site(struct reply *reply, bool close) {
  for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
    ANSWER(respond, site_index, close ? RESPOND_CLOSE : 0);
    struct wanted_file wanted;
    read_wanted(&wanted);
    enum file_state state;
    if ((core_answer[ANSWER_AT_FLAGS] & ANSWER_NEEDS_TAG) != 0) {
      state = file_tag(&wanted);
      if (state != FILE_READY) return state;
      continue;
    }
    read_answer(reply);
    if (wanted.file_record == 0 || wanted.form_record == 0) return FILE_READY;
    state = find_body(reply, &wanted);
    if (state != FILE_CHANGED) return state;
  }
  return FILE_CHANGED;
}

void reply_with_status(struct reply *reply, unsigned status) {
  ANSWER(respondStatus, status, RESPOND_CLOSE);
  read_answer(reply);
  reply->close = true;
  reply->unlogged = false;
}

/* A head of the server's own, with room for the body behind it. */
static char *own_head(struct reply *reply, char *page, const char *first, uint64_t bytes, bool close) {
  struct text text = text_in(page, 512);
  text_string(&text, first);
  text_string(&text, "\r\nDate: ");
  text_add(&text, core_at(ANSWER(date), 29, "date"), 29);
  if (reply->status == 200) {
    text_string(&text, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: ");
    text_number(&text, bytes);
  }
  text_string(&text, "\r\nCache-Control: no-store");
  if (close) text_string(&text, "\r\nConnection: close");
  else if (core_request[REQUEST_AT_MINOR] == 0) text_string(&text, "\r\nConnection: keep-alive");
  text_string(&text, "\r\n\r\n");
  return text.at;
}

static void answer_itself(struct reply *reply, bool health, bool close) {
  /* Untouched, and so no memory, until somebody asks. */
  static char page[4096], metrics_text[49152];
  bool head_only = core_request[REQUEST_AT_METHOD] == METHOD_HEAD;
  reply->status = health ? 204 : 200;
  size_t bytes = health ? 0 : metrics_page(metrics_text + 512, sizeof metrics_text - 512);
  char *end = own_head(reply, page, health ? "HTTP/1.1 204 No Content" : "HTTP/1.1 200 OK", bytes, close);
  size_t head = (size_t)(end - page);
  char *begin = metrics_text + 512 - head;
  if (health) begin = page;
  else memcpy(begin, page, head);
  reply->bytes = (const uint8_t *)begin;
  reply->length = (uint32_t)(head + (head_only ? 0 : bytes));
  reply->left = reply->body_bytes = 0;
  reply->file = -1;
  reply->close = close;
  reply->unlogged = true;
}

static bool target_is(const char *path) {
  uint32_t length = read_u32(core_request, REQUEST_AT_TARGET_LENGTH), same = 0;
  const char *target = (const char *)core_at(read_u32(core_request, REQUEST_AT_TARGET), length, "target");
  while (same < length && path[same] != '\0' && target[same] == path[same]) same++;
  return same > 0 && path[same] == '\0' && (same == length || target[same] == '?');
}

void reply_to_request(struct reply *reply, bool close) {
  uint8_t method = core_request[REQUEST_AT_METHOD];
  if (method == METHOD_GET || method == METHOD_HEAD) {
    if (target_is(options.health_url)) return answer_itself(reply, true, close);
    if (!options.no_metrics && target_is(options.metrics_url)) return answer_itself(reply, false, close);
  }
  reply->unlogged = false;
  enum file_state state = answer_from_site(reply, close);
  if (state == FILE_READY) return;
  /* FILE_CHANGED: it changes faster than it can be answered. */
  reply_with_status(reply, state == FILE_GONE ? 404 : 503);
}
