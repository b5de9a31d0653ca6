#include "site.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "core.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "walk.h"

uint32_t site_index;
uint32_t site_files;
uint32_t site_loads;
bool site_speaks;

static uint32_t found_files;

/* Bytes of the next argument of the module `build`. */
static uint8_t *room(uint32_t bytes) {
  return core_build_at(BUILD(room, bytes), bytes, "room");
}

static void give_option(uint32_t option, const char *value) {
  if (value == NULL) return;
  uint32_t length = (uint32_t)strlen(value);
  memcpy(room(length), value, length);
  BUILD(setOption, option, length);
}

static void give_file(const struct walked_file *file) {
  static const uint32_t forms[FORMS] = {FORM_BR, FORM_ZSTD, FORM_GZIP};
  memcpy(room(file->path_length), file->path, file->path_length);
  /* Times before 1970 and after 2106 do not fit the record. */
  double modified = file->modified < 0 ? 0 : file->modified > UINT32_MAX ? UINT32_MAX : (double)file->modified;
  int32_t number = (int32_t)BUILD(addFile, file->path_length, (double)file->bytes, modified, SOURCE_OWN, 0);
  if (number < 0) return;
  found_files++;
  for (int i = 0; i < FORMS; i++) {
    if (file->forms[i] != 0) BUILD(addForm, forms[i], (double)file->forms[i], SOURCE_OWN, 0);
  }
}

enum { RULES_MOST = 1 << 20 };

/* Reads `_headers` or `_redirects` into the builder's room; returns its length, 0 if there is no such file. */
static uint32_t read_rules(const char *name) {
  int file = root_open_file(name, O_RDONLY);
  struct stat status;
  if (file < 0) {
    if (errno != ENOENT) report_error(errno, "cannot read ", name, NULL);
    return 0;
  }
  uint32_t length = 0;
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    if (status.st_size > RULES_MOST) report("more than 1 MiB, not read: ", name, NULL);
    else length = (uint32_t)status.st_size;
  }
  if (length > 0) {
    ssize_t got = read(file, room(length), length);
    length = got < 0 ? 0 : (uint32_t)got;
  }
  close(file);
  return length;
}

static void report_problems(void) {
  uint32_t length = BUILD(problemsLength);
  const char *text = (const char *)core_build_at(BUILD(problems), length, "problems");
  for (uint32_t at = 0; at < length;) {
    const char *end = memchr(text + at, '\n', length - at);
    uint32_t line = end == NULL ? length - at : (uint32_t)(end - text) - at;
    char copy[1024];
    uint32_t kept = line < sizeof copy - 1 ? line : sizeof copy - 1;
    memcpy(copy, text + at, kept);
    copy[kept] = '\0';
    if (line > 0) report(copy, NULL);
    at += line + 1;
  }
}

/* Copies the index that was built into the memory of `answer`; returns its address there, 0 if there is no room. */
static uint32_t take_over(uint32_t built) {
  const uint8_t *header = core_build_at(built, SITE_HEADER, "site index");
  uint32_t length = read_u32(header, SITE_AT_LENGTH);
  const uint8_t *bytes = core_build_at(built, length, "length of the site index");
  uint32_t loaded = ANSWER(siteRoom, length);
  if (loaded == 0) return 0;
  memcpy(core_at(loaded, length, "room for the site index"), bytes, length);
  if (ANSWER(siteCheck, loaded, length) == 0) core_is_wrong("site index");
  return loaded;
}

bool site_load(int watch) {
  core_build_start();
  found_files = 0;
  BUILD(start, (options.clean_urls ? BUILD_CLEAN_URLS : 0) | (options.serve_hidden ? BUILD_HIDDEN : 0));
  give_option(OPTION_INDEX, options.index_filename);
  give_option(OPTION_NOT_FOUND, options.not_found_filename);
  give_option(OPTION_FALLBACK, options.fallback);
  give_option(OPTION_CACHE, options.cache_control);
  give_option(OPTION_CACHE_IMMUTABLE, options.cache_control_immutable);
  uint32_t length = read_rules("_headers");
  if (length > 0) BUILD(readHeaders, length);
  length = read_rules("_redirects");
  if (length > 0) BUILD(readRedirects, length);
  walk_root(watch, give_file);
  uint32_t built = BUILD(finish, 0);
  if (site_speaks) report_problems();
  uint32_t loaded = built == 0 ? 0 : take_over(built);
  core_build_end();
  if (loaded == 0) {
    report("there is no memory for the index of ", options.root_dir, NULL);
    return false;
  }
  if (site_index != 0) ANSWER(siteFree, site_index);
  site_index = loaded;
  site_files = found_files;
  site_loads++;
  return true;
}
