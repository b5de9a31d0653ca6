/* Any bytes as a site index: what `siteCheck` accepts can be answered from. */
#include <string.h>
#include "core.h"
#include "fuzz.h"
#include "site.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  return *state ^= *state << 5;
}

/* Overwrites a few numbers, since whatever moves the rest of an index makes it unsound. */
static void change_numbers(uint8_t *data, size_t size, uint32_t *state) {
  for (uint32_t left = next_random(state) % 4 + 1; left > 0; left--) {
    uint32_t width = 1u << next_random(state) % 3;
    uint32_t at = next_random(state) % (uint32_t)(size - width) & ~(width - 1);
    uint32_t value = 0, how = next_random(state) % 4;
    memcpy(&value, data + at, width);
    if (how == 0) value += next_random(state) % 9 - 4;
    else if (how == 1) value = next_random(state);
    else if (how == 2) memcpy(&value, data + next_random(state) % (uint32_t)(size - width), width);
    else value = 1u << next_random(state) % 32;
    memcpy(data + at, &value, width);
  }
}

static size_t repair(uint8_t *data, size_t size, size_t most) {
  if (most < SITE_HEADER) return size;
  size_t whole = (size + 7) & ~(size_t)7;
  if (whole > most) whole = most & ~(size_t)7;
  if (whole < SITE_HEADER) whole = SITE_HEADER;
  if (whole > size) memset(data + size, 0, whole - size);
  write_u32(data, SITE_AT_MAGIC, SITE_MAGIC);
  data[SITE_AT_VERSION] = SITE_VERSION;
  data[SITE_AT_VERSION + 1] = 0;
  write_u32(data, SITE_AT_LENGTH, (uint32_t)whole);
  return whole;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
  uint32_t state = seed | 1;
  if (size >= SITE_HEADER && next_random(&state) % 4 != 0) change_numbers(data, size, &state);
  else size = LLVMFuzzerMutate(data, size, most);
  return next_random(&state) % 64 == 0 ? size : repair(data, size, most);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  start_core();
  made_by_builder = false;
  return 0;
}

static const char *const FIELDS[] = {
    "\r\n\r\n",
    "\r\nAccept-Encoding: br, gzip;q=0.5, zstd\r\n\r\n",
    "\r\nRange: bytes=1-2\r\nAccept-Encoding: gzip\r\n\r\n",
    "\r\nIf-None-Match: *\r\n\r\n",
};

static void ask(const char *method, const uint8_t *path, size_t length, const char *fields) {
  static struct read_head head;
  char *at = (char *)core_input;
  at = stpcpy(stpcpy(at, method), " /");
  for (size_t i = 0; i < length; i++) {
    *at++ = '%';
    *at++ = "0123456789ABCDEF"[path[i] >> 4];
    *at++ = "0123456789ABCDEF"[path[i] & 15];
  }
  at = stpcpy(stpcpy(at, "?a=b&c=%64 HTTP/1.1\r\nHost: a.test"), fields);
  answer_next(0, (size_t)(at - (char *)core_input), &head);
  ANSWER(respond, site_index, RESPOND_FIELDS);
  if ((core_answer[ANSWER_AT_FLAGS] & ANSWER_NEEDS_TAG) == 0) {
    uint32_t bytes = read_u32(core_answer, ANSWER_AT_HEAD_LENGTH) - read_u32(core_answer, ANSWER_AT_PAGE_BYTES);
    read_fields(&head, (const char *)core_at(read_u32(core_answer, ANSWER_AT_HEAD), bytes, "head"), bytes, true);
  }
  ANSWER(respondKept, site_index, 0);
}

static void ask_for_urls(const uint8_t *site, size_t size) {
  uint32_t count = read_u32(site, SITE_AT_URLS);
  for (uint32_t i = 0; i < count && i < 6; i++) {
    const uint8_t *url = site + read_u32(site, SITE_AT_URLS + 4) + i * URL_SIZE;
    uint32_t path = read_u32(url, URL_AT_PATH), length = read_u16(url, URL_AT_PATH_LENGTH);
    MUST((uint64_t)path + length <= size);
    if (length < 1000) ask("GET", site + path, length, FIELDS[i % 4]);
  }
}

static void name_sources(const uint8_t *site, uint32_t loaded, size_t size) {
  uint32_t count = read_u32(site, SITE_AT_SOURCES);
  for (uint32_t i = 0; i < count && i < 8; i++) {
    uint32_t name = ANSWER(sourceName, loaded, i), length = read_u32(core_answer, ANSWER_AT_LENGTH);
    MUST(name >= loaded && (uint64_t)name + length <= (uint64_t)loaded + size);
  }
}

/* The native host serves no packs, and calls a body of one a fault: from here on the bodies lie at the paths of their files. */
static void unpack_forms(uint8_t *site, size_t size) {
  uint32_t count = read_u32(site, SITE_AT_FORMS), sources = read_u32(site, SITE_AT_SOURCES);
  for (uint32_t i = 0; i < count; i++) {
    size_t form = read_u32(site, SITE_AT_FORMS + 4) + (size_t)i * FORM_SIZE;
    MUST(form + FORM_SIZE <= size);
    uint32_t source = read_u32(site + form, FORM_AT_SOURCE);
    MUST(source == SOURCE_OWN || source < sources);
    write_u32(site + form, FORM_AT_SOURCE, SOURCE_OWN);
    write_f64(site + form, FORM_AT_OFFSET, 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint32_t loaded = ANSWER(siteRoom, (uint32_t)size);
  MUST(loaded != 0);
  memcpy(core_at(loaded, size, "room"), data, size);
  if (ANSWER(siteCheck, loaded, (uint32_t)size) == 1) {
    site_index = loaded;
    unpack_forms(core_at(loaded, size, "site"), size);
    ask_for_urls(data, size);
    static const uint8_t other[] = "docs/other/x.y";
    ask("GET", other, 0, FIELDS[1]);
    ask("HEAD", other, 4, FIELDS[0]);
    ask("GET", other, 10, FIELDS[2]);
    ask("GET", other, 14, FIELDS[0]);
    ask("PUT", other, 5, FIELDS[0]);
    name_sources(data, loaded, size);
  }
  ANSWER(siteFree, loaded);
  return 0;
}
