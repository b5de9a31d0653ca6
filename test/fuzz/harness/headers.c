/*
 * Any text as `_headers` and `_redirects`: the builder makes an index of it that is sound, and every answer from it is one. The input: a byte of flags, the text of
 * `_headers`, a zero, that of `_redirects`, a zero, and targets of requests, a line each.
 */
#include <stdlib.h>
#include <string.h>
#include "core.h"
#include "fuzz.h"
#include "site.h"

enum { TARGETS_MOST = 6 };
enum { WITH_CLEAN_URLS = 1, WITH_FALLBACK = 2 };

struct part {
  const uint8_t *at;
  size_t length;
};

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  start_core();
  return 0;
}

static struct part until(struct part *rest, uint8_t byte) {
  const uint8_t *end = memchr(rest->at, byte, rest->length);
  struct part part = {rest->at, end == NULL ? rest->length : (size_t)(end - rest->at)};
  size_t taken = part.length + (end != NULL);
  rest->at += taken;
  rest->length -= taken;
  return part;
}

static void put(struct part text, size_t more) {
  memcpy(core_build_at(BUILD(room, (uint32_t)(text.length + more)), text.length + more, "room"), text.at, text.length);
}

static void add_file(const char *path) {
  struct part name = {(const uint8_t *)path, strlen(path)};
  put(name, FILE_TAG_LENGTH);
  uint8_t *room = core_build_at(BUILD(room, (uint32_t)name.length + FILE_TAG_LENGTH), name.length + FILE_TAG_LENGTH, "room");
  memcpy(room + name.length, "TagOfTwentyTwoLetters-", FILE_TAG_LENGTH);
  MUST((int32_t)BUILD(addFile, (uint32_t)name.length, 100, 1700000000, SOURCE_OWN, 0) >= 0);
  BUILD(addForm, FORM_GZIP, 50, SOURCE_OWN, 0);
}

/* Makes the index, and moves it to `answer`. */
static uint32_t build(unsigned flags, struct part headers, struct part redirects) {
  core_build_start();
  BUILD(start, BUILD_TAGS | ((flags & WITH_CLEAN_URLS) != 0 ? BUILD_CLEAN_URLS : 0));
  if ((flags & WITH_FALLBACK) != 0) {
    put((struct part){(const uint8_t *)"index.html", 10}, 0);
    BUILD(setOption, OPTION_FALLBACK, 10);
  }
  put(headers, 0);
  BUILD(readHeaders, (uint32_t)headers.length);
  put(redirects, 0);
  BUILD(readRedirects, (uint32_t)redirects.length);
  static const char *const files[] = {"index.html", "404.html", "docs/index.html", "docs/page.html", "a.css", "app.3f9a1c2b.js"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) add_file(files[i]);
  uint32_t built = BUILD(finish, 0);
  MUST(built != 0);
  core_build_at(BUILD(problems), BUILD(problemsLength), "problems");
  uint32_t length = read_u32(core_build_at(built, SITE_HEADER, "site index"), SITE_AT_LENGTH);
  uint32_t loaded = ANSWER(siteRoom, length);
  MUST(loaded != 0);
  memcpy(core_at(loaded, length, "room for the index"), core_build_at(built, length, "index"), length);
  MUST(ANSWER(siteCheck, loaded, length) == 1);
  core_build_end();
  return loaded;
}

/*
 * Where a browser goes: to a path of this host, or to an origin that stands in the site's own rules. No visitor can choose another.
 */
static void check_location(const struct head_field *location, struct part redirects) {
  const char *value = location->value;
  size_t length = location->value_length;
  MUST(length > 0);
  bool in_path = true;
  for (size_t i = 0; i < length; i++) {
    MUST(value[i] > ' ' && value[i] <= '~');
    /* Of the query, a folder's redirect keeps what came. */
    if (value[i] == '?' || value[i] == '#') in_path = false;
    MUST(value[i] != '\\' || !in_path);
  }
  if (value[0] == '/') {
    MUST(length == 1 || value[1] != '/');
    return;
  }
  const char *host = memmem(value, length, "://", 3);
  MUST(host != NULL);
  size_t origin = (size_t)(host + 3 - value);
  while (origin < length && strchr("/?#", value[origin]) == NULL) origin++;
  MUST(memmem(redirects.at, redirects.length, value, origin) != NULL);
}

static void ask(struct part target, struct part redirects) {
  static struct read_head head;
  uint8_t *at = core_input;
  at = mempcpy(at, "GET /", 5);
  at = mempcpy(at, target.at, target.length);
  at = mempcpy(at, " HTTP/1.1\r\nHost: visitor.invalid\r\nX-Forwarded-Host: visitor.invalid\r\n\r\n", 71);
  answer_next(0, (size_t)(at - core_input), &head);
  const struct head_field *location = field_of(&head, "location");
  if (location != NULL) check_location(location, redirects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > INPUT_BYTES / 2) return 0;
  struct part rest = {data + 1, size - 1};
  struct part headers = until(&rest, '\0'), redirects = until(&rest, '\0');
  site_index = build(data[0], headers, redirects);
  uint32_t length = read_u32(core_at(site_index, SITE_HEADER, "site"), SITE_AT_LENGTH);
  static uint8_t before[1 << 20];
  MUST(length <= sizeof before);
  memcpy(before, core_at(site_index, length, "site"), length);
  for (int i = 0; i < TARGETS_MOST && rest.length > 0; i++) ask(until(&rest, '\n'), redirects);
  MUST(memcmp(before, core_at(site_index, length, "site"), length) == 0);
  ANSWER(siteFree, site_index);
  return 0;
}
