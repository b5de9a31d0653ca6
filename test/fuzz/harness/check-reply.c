#include <stdlib.h>
#include <string.h>
#include "core.h"
#include "fuzz.h"

/* What only the server may say, and so only once. */
static const char *const OWN[] = {
    "accept-ranges", "allow",  "cache-control",  "connection",   "content-encoding",  "content-length", "content-range",
    "content-type",  "date",   "etag",           "last-modified", "location",         "vary",           "x-content-type-options",
};
/* What it never says. */
static const char *const NEVER[] = {"transfer-encoding", "trailer", "upgrade", "keep-alive", "te", "server", "age"};

static bool is_token(char byte) {
  return byte > ' ' && byte < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", byte) == NULL;
}

static bool is_name(const struct head_field *field, const char *name) {
  if (strlen(name) != field->name_length) return false;
  for (size_t i = 0; i < field->name_length; i++) {
    char byte = field->name[i];
    if ((byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte) != name[i]) return false;
  }
  return true;
}

const struct head_field *field_of(const struct read_head *head, const char *name) {
  for (size_t i = 0; i < head->count; i++) {
    if (is_name(&head->fields[i], name)) return &head->fields[i];
  }
  return NULL;
}

static bool value_is(const struct head_field *field, const char *value) {
  return field != NULL && field->value_length == strlen(value) && memcmp(field->value, value, field->value_length) == 0;
}

void read_fields(struct read_head *head, const char *bytes, size_t length, bool fields_only) {
  const char *at = bytes, *end = bytes + length;
  head->count = 0;
  while (!(fields_only && at == end)) {
    MUST(end - at >= 2);
    if (at[0] == '\r' && at[1] == '\n') {
      MUST(!fields_only);
      head->length = (size_t)(at + 2 - bytes);
      return;
    }
    MUST(head->count < FIELDS_MOST);
    struct head_field *field = &head->fields[head->count++];
    field->name = at;
    while (at < end && is_token(*at)) at++;
    field->name_length = (size_t)(at - field->name);
    MUST(field->name_length > 0 && at < end && *at == ':');
    at++;
    while (at < end && *at == ' ') at++;
    field->value = at;
    while (at < end && (*at == '\t' || (unsigned char)*at >= ' ') && *at != 0x7f) at++;
    field->value_length = (size_t)(at - field->value);
    MUST(end - at >= 2 && at[0] == '\r' && at[1] == '\n');
    at += 2;
  }
  head->length = length;
}

static void check_own(const struct read_head *head) {
  for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++) {
    int count = 0;
    for (size_t field = 0; field < head->count; field++) count += is_name(&head->fields[field], OWN[i]);
    MUST(count <= 1);
  }
  for (size_t i = 0; i < sizeof NEVER / sizeof *NEVER; i++) MUST(field_of(head, NEVER[i]) == NULL);
}

static void read_status_line(struct read_head *head, const struct reply *reply) {
  const char *bytes = (const char *)reply->bytes;
  const char *end = memmem(bytes, reply->length, "\r\n", 2);
  MUST(end != NULL && end - bytes > 13 && memcmp(bytes, "HTTP/1.1 ", 9) == 0 && bytes[12] == ' ');
  for (const char *at = bytes; at < end; at++) MUST(*at >= ' ' && *at <= '~');
  head->status = (unsigned)strtoul(bytes + 9, NULL, 10);
  MUST(head->status == reply->status && head->status >= 200);
  size_t line = (size_t)(end + 2 - bytes);
  read_fields(head, bytes + line, reply->length - line, false);
  head->length += line;
}

/* The number in a field; only digits. */
static uint64_t number_in(const struct head_field *field) {
  uint64_t number = 0;
  MUST(field->value_length > 0 && field->value_length < 18);
  for (size_t i = 0; i < field->value_length; i++) {
    MUST(field->value[i] >= '0' && field->value[i] <= '9');
    number = number * 10 + (uint64_t)(field->value[i] - '0');
  }
  return number;
}

static void check_length(const struct read_head *head, const struct reply *reply) {
  const struct head_field *length = field_of(head, "content-length");
  uint64_t behind = reply->length - head->length + reply->left;
  bool no_content = head->status == 204 || head->status == 304;
  bool head_only = core_request[REQUEST_AT_METHOD] == METHOD_HEAD && core_request[REQUEST_AT_METHOD_LENGTH] != 0;
  if (no_content) MUST(length == NULL && behind == 0);
  else if (head_only) MUST(length != NULL && number_in(length) < UINT64_MAX && behind == 0);
  else MUST(length != NULL && number_in(length) == behind);
  MUST((reply->left > 0) == (reply->file >= 0 && reply->left > 0));
}

bool made_by_builder = true;

void check_reply(struct read_head *head, const struct reply *reply, bool parsed) {
  read_status_line(head, reply);
  if (!made_by_builder) return;
  check_own(head);
  check_length(head, reply);
  const struct head_field *date = field_of(head, "date");
  MUST(date != NULL && date->value_length == 29);
  MUST(reply->close == value_is(field_of(head, "connection"), "close"));
  MUST(parsed || reply->close);
  MUST((head->status == 405) == (field_of(head, "allow") != NULL));
  if (field_of(head, "content-range") != NULL) MUST(head->status == 206 || head->status == 416);
  else MUST(head->status != 206);
  const struct head_field *location = field_of(head, "location");
  MUST((head->status >= 300 && head->status < 400 && head->status != 304) == (location != NULL));
}
