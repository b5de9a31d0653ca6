#include "text.h"
#include <string.h>

struct text text_in(char *buffer, size_t room) {
  return (struct text){.at = buffer, .end = buffer + room, .full = false};
}

void text_add(struct text *text, const void *bytes, size_t length) {
  size_t room = (size_t)(text->end - text->at);
  if (length > room) {
    text->full = true;
    length = room;
  }
  /* Most are a few bytes, for which this is faster than any memcpy that is small. */
  const char *from = bytes;
  char *at = text->at, *end = at + length;
  for (; end - at >= 8; at += 8, from += 8) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    memcpy(at, &word, sizeof word);
  }
  while (at < end) *at++ = *from++;
  text->at = end;
}

void text_string(struct text *text, const char *string) {
  text_add(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t number) {
  char digits[20];
  char *at = digits + sizeof digits;
  do {
    /* Division is slow. This is exact below 2^32, and few numbers are above. */
    uint64_t tenth = number <= UINT32_MAX ? number * 0xcccccccd >> 35 : number / 10;
    *--at = (char)('0' + (number - 10 * tenth));
    number = tenth;
  } while (number != 0);
  text_add(text, at, (size_t)(digits + sizeof digits - at));
}

/* Whether eight bytes may be written as they are. It is not when it says no: a byte that is lower than another by a borrow is looked at by itself. */
static bool is_plain(const uint8_t *bytes) {
  const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  uint64_t quotes = (word ^ '"' * ones) - ones, backslashes = (word ^ '\\' * ones) - ones;
  return (((word - 0x20 * ones) | (word + ones) | word | quotes | backslashes) & high) == 0;
}

void text_escaped(struct text *text, const uint8_t *bytes, size_t length) {
  static const char hex[] = "0123456789abcdef";
  size_t plain = 0;
  for (size_t i = 0; i < length; i++) {
    while (length - i >= 8 && is_plain(bytes + i)) i += 8;
    if (i == length) break;
    uint8_t byte = bytes[i];
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') continue;
    text_add(text, bytes + plain, i - plain);
    plain = i + 1;
    /* Whole, or not at all: a backslash that is left alone takes the meaning of the quote behind it. */
    if (text->end - text->at < 4) {
      text->full = true;
      return;
    }
    text_add(text, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
  }
  text_add(text, bytes + plain, length - plain);
}

size_t text_until(const char *string, char end) {
  size_t length = 0;
  while (string[length] != '\0' && string[length] != end) length++;
  return length;
}
