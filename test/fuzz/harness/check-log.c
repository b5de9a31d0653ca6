#include <arpa/inet.h>
#include <string.h>
#include "fuzz.h"
#include "log.h"

static const char *past(const char *at, const char *text) {
  MUST(strncmp(at, text, strlen(text)) == 0);
  return at + strlen(text);
}

/* A quoted part: nothing in it ends it but the quote, and a backslash begins nothing but \xHH. */
static const char *past_quoted(const char *at) {
  at = past(at, "\"");
  for (; *at != '"'; at++) {
    MUST(*at >= ' ' && *at <= '~');
    if (*at == '\\') MUST(at[1] == 'x' && strchr("0123456789abcdef", at[2]) != NULL && strchr("0123456789abcdef", at[3]) != NULL);
  }
  return at + 1;
}

static const char *past_number(const char *at) {
  MUST(*at >= '0' && *at <= '9');
  return at + strspn(at, "0123456789");
}

static const char *past_address(const char *at) {
  char address[64] = {0}, room[16];
  size_t length = strcspn(at, " ");
  MUST(length < sizeof address);
  memcpy(address, at, length);
  MUST(inet_pton(AF_INET, address, room) == 1 || inet_pton(AF_INET6, address, room) == 1);
  return at + length;
}

void check_log(const struct address *peer, bool parsed, const struct reply *reply) {
  char line[LOG_LINE_MOST + 1];
  struct text text = text_in(line, LOG_LINE_MOST);
  log_before_bytes(&text, peer, parsed, reply->status);
  text_number(&text, reply->body_bytes);
  log_after_bytes(&text, parsed);
  MUST(!text.full);
  *text.at = '\0';
  const char *at = past(past_address(line), " - - [");
  MUST(strcspn(at, "]") == 26);
  at = past_quoted(past(at + 26, "] "));
  at = past_number(past(past_number(past(at, " ")), " "));
  at = past_quoted(past(past_quoted(past(at, " ")), " "));
  MUST(past(at, "\n") == text.at);
}
