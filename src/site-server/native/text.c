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
  memcpy(text->at, bytes, length);
  text->at += length;
}

void text_string(struct text *text, const char *string) {
  text_add(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t number) {
  char digits[20];
  char *at = digits + sizeof digits;
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  text_add(text, at, (size_t)(digits + sizeof digits - at));
}

void text_escaped(struct text *text, const uint8_t *bytes, size_t length) {
  static const char hex[] = "0123456789abcdef";
  size_t plain = 0;
  for (size_t i = 0; i < length; i++) {
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

static void two_digits(char *at, unsigned number) {
  at[0] = (char)('0' + number / 10);
  at[1] = (char)('0' + number % 10);
}

/* The civil date of a day, counted from 0000-03-01 in eras of 400 years: http://howardhinnant.github.io/date_algorithms.html */
void text_log_time(struct text *text, int64_t seconds) {
  unsigned in_day = (unsigned)(seconds % 86400);
  unsigned days = (unsigned)(seconds / 86400) + 719468;
  unsigned era = days / 146097, day_of_era = days % 146097;
  unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned from_march = (5 * day_of_year + 2) / 153;
  unsigned day = day_of_year - (153 * from_march + 2) / 5 + 1;
  unsigned month = from_march < 10 ? from_march + 2 : from_march - 10;
  unsigned year = year_of_era + era * 400 + (month < 2 ? 1 : 0);
  char line[] = "DD/Mon/YYYY:hh:mm:ss +0000";
  two_digits(line, day);
  memcpy(line + 3, "JanFebMarAprMayJunJulAugSepOctNovDec" + 3 * month, 3);
  two_digits(line + 7, year / 100 % 100);
  two_digits(line + 9, year % 100);
  two_digits(line + 12, in_day / 3600);
  two_digits(line + 15, in_day / 60 % 60);
  two_digits(line + 18, in_day % 60);
  text_add(text, line, sizeof line - 1);
}
