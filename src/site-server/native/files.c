#include "files.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"
#include "core.h"
#include "root.h"
#include "site.h"
#include "tag.h"
#include "walk.h"

enum { WAYS = 4, SETS = 128 };
/* Bytes of all small bodies that are kept. */
enum { KEPT_MOST = 1 << 17 };
/* Seconds. A file that was written so lately may be written again without another time of change. */
enum { SETTLED_SECONDS = 2 };
/* Files up to this size are named by their content: images of a site are built with equal times, so times do not tell. */
static const uint64_t HASHED_MOST = 1 << 20;

struct open_file {
  uint32_t record; /* of the form; 0 if nothing is open here */
  uint32_t checked, used;
  int descriptor;
  uint64_t kept; /* where its body begins in all that was ever kept; 0 if it was not */
  struct stat status;
};

static struct open_file cache[SETS][WAYS];
static struct open_file *found_last;
/* The last KEPT_MOST bytes of all that was kept: a new body takes the place of the oldest. So what begins at 0 is not there any more. */
static uint8_t kept_bodies[KEPT_MOST];
static uint64_t kept_end = 2 * KEPT_MOST;

static struct open_file *set_of(uint32_t record) {
  return cache[(record * 0x9e3779b1u) >> 25];
}

static void forget(struct open_file *file) {
  if (file->record == 0) return;
  close(file->descriptor);
  file->record = 0;
}

static bool is_same(const struct stat *a, const struct stat *b) {
  return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
         a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The file's path with the suffix of the form; false if it is none that can be. */
static bool path_of(const struct wanted_file *wanted, char *path) {
  const char *suffix = "";
  if (wanted->form == FORM_BR) suffix = form_suffixes[0];
  else if (wanted->form == FORM_ZSTD) suffix = form_suffixes[1];
  else if (wanted->form == FORM_GZIP) suffix = form_suffixes[2];
  uint32_t length = wanted->path_length;
  if (length == 0 || length + sizeof ".zst" > PATH_MOST || memchr(wanted->path, '\0', length) != NULL) return false;
  memcpy(path, wanted->path, length);
  memcpy(path + length, suffix, strlen(suffix) + 1);
  return true;
}

/* Writes what the file is now into the site index; true if that is another than it was. The tag goes with every change. */
static bool correct_records(const struct wanted_file *wanted, const struct stat *status, bool changed) {
  uint8_t *form = core_at(wanted->form_record, FORM_SIZE, "form record");
  uint8_t *file = core_at(wanted->file_record, FILE_SIZE, "file record");
  if (read_f64(form, FORM_AT_BYTES) != (double)status->st_size) changed = true;
  uint32_t modified = (uint32_t)(status->st_mtim.tv_sec < 0 ? 0 : status->st_mtim.tv_sec);
  if (wanted->form == FORM_IDENTITY && read_u32(file, FILE_AT_MODIFIED) != modified) changed = true;
  if (!changed) return false;
  write_f64(form, FORM_AT_BYTES, (double)status->st_size);
  if (wanted->form == FORM_IDENTITY) write_u32(file, FILE_AT_MODIFIED, modified);
  file[FILE_AT_FLAGS] &= (uint8_t)~FILE_TAGGED;
  return true;
}

static enum file_state open_anew(const struct wanted_file *wanted, const char *path, struct open_file *file, bool changed) {
  struct stat status;
  int descriptor = root_open_file(path, O_RDONLY);
  if (descriptor < 0 && (errno == EMFILE || errno == ENFILE)) {
    files_forget();
    descriptor = root_open_file(path, O_RDONLY);
    if (descriptor < 0 && (errno == EMFILE || errno == ENFILE)) return FILE_REFUSED;
  }
  if (descriptor < 0) return FILE_GONE;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return FILE_GONE;
  }
  *file = (struct open_file){
      .record = wanted->form_record,
      .checked = clock_tick,
      .used = clock_tick,
      .descriptor = descriptor,
      .status = status,
  };
  return correct_records(wanted, &status, changed) ? FILE_CHANGED : FILE_READY;
}

static enum file_state look(const struct wanted_file *wanted, struct open_file **found) {
  struct open_file *set = set_of(wanted->form_record);
  struct open_file *file = NULL, *oldest = set;
  for (int i = 0; i < WAYS; i++) {
    if (set[i].record == wanted->form_record) file = &set[i];
    if (set[i].record == 0 || (oldest->record != 0 && set[i].used < oldest->used)) oldest = &set[i];
  }
  *found = file;
  if (file != NULL && file->checked == clock_tick) {
    file->used = clock_tick;
    return FILE_READY;
  }
  char path[PATH_MOST];
  if (!path_of(wanted, path)) core_is_wrong("path of a file");
  bool changed = false;
  if (file != NULL) {
    struct stat now;
    /* By its name, since another file may have taken its place. Only compared: what is read is opened inside the root. */
    if (fstatat(root_folder, path, &now, 0) == 0 && is_same(&now, &file->status)) {
      file->checked = file->used = clock_tick;
      return FILE_READY;
    }
    changed = true;
    oldest = file;
  }
  forget(oldest);
  *found = oldest;
  return open_anew(wanted, path, oldest, changed);
}

enum file_state file_open(const struct wanted_file *wanted, int *descriptor, uint64_t *bytes) {
  struct open_file *file;
  enum file_state state = look(wanted, &file);
  if (state == FILE_READY) {
    found_last = file;
    *descriptor = file->descriptor;
    *bytes = (uint64_t)file->status.st_size;
  }
  return state;
}

static void keep(struct open_file *file, const uint8_t *body, uint32_t bytes) {
  if (bytes > KEPT_MOST || file->status.st_mtim.tv_sec + SETTLED_SECONDS > clock_seconds) return;
  uint32_t room = KEPT_MOST - kept_end % KEPT_MOST;
  if (room < bytes) kept_end += room;
  memcpy(kept_bodies + kept_end % KEPT_MOST, body, bytes);
  file->kept = kept_end;
  kept_end += bytes;
}

bool file_read(uint8_t *to, uint64_t offset, uint32_t bytes) {
  struct open_file *file = found_last;
  if (kept_end - file->kept <= KEPT_MOST) {
    memcpy(to, kept_bodies + file->kept % KEPT_MOST + offset, bytes);
    return true;
  }
  for (uint32_t at = 0; at < bytes;) {
    ssize_t got = pread(file->descriptor, to + at, bytes - at, (off_t)(offset + at));
    if (got <= 0) return false;
    at += (uint32_t)got;
  }
  if (bytes == (uint64_t)file->status.st_size) keep(file, to, bytes);
  return true;
}

static bool hash_content(struct hash *hash, int descriptor, uint64_t bytes) {
  uint8_t buffer[16384];
  for (uint64_t at = 0; at < bytes;) {
    ssize_t got = pread(descriptor, buffer, sizeof buffer, (off_t)at);
    if (got <= 0) return false;
    hash_add(hash, buffer, (uint64_t)got);
    at += (uint64_t)got;
  }
  return true;
}

static bool hash_form(struct hash *hash, const struct wanted_file *wanted) {
  struct open_file *file;
  enum file_state state = look(wanted, &file);
  if (state != FILE_READY && state != FILE_CHANGED) return false;
  const struct stat *status = &file->status;
  uint64_t bytes = (uint64_t)status->st_size;
  if (bytes <= HASHED_MOST) return hash_content(hash, file->descriptor, bytes);
  hash_add(hash, &bytes, sizeof bytes);
  hash_add(hash, &status->st_mtim, sizeof status->st_mtim);
  hash_add(hash, &status->st_ctim, sizeof status->st_ctim);
  return true;
}

/* All forms go into it: the tags of the forms differ from it only by a suffix, and must change with each of them. */
enum file_state file_tag(const struct wanted_file *wanted) {
  uint8_t *file = core_at(wanted->file_record, FILE_SIZE, "file record");
  uint32_t first = site_index + read_u32(core_at(site_index, SITE_HEADER, "site"), SITE_AT_FORMS + 4);
  first += read_u32(file, FILE_AT_FORM) * FORM_SIZE;
  uint8_t forms = file[FILE_AT_FORMS];
  struct wanted_file form = *wanted;
  struct hash hash;
  hash_start(&hash);
  uint32_t record = first;
  for (uint8_t bit = FORM_IDENTITY; bit <= FORM_GZIP; bit = (uint8_t)(bit << 1)) {
    if ((forms & bit) == 0) continue;
    form.form = bit;
    form.form_record = record;
    record += FORM_SIZE;
    /* A neighbour that is gone is found out when it is asked for. */
    if (!hash_form(&hash, &form) && bit == FORM_IDENTITY) return FILE_GONE;
  }
  static uint8_t tag[FILE_TAG_LENGTH];
  hash_tag(&hash, tag);
  memcpy(file + FILE_AT_TAG, tag, sizeof tag);
  file[FILE_AT_FLAGS] |= FILE_TAGGED;
  return FILE_READY;
}

void file_doubt(uint32_t form_record) {
  struct open_file *set = set_of(form_record);
  for (int i = 0; i < WAYS; i++) {
    if (set[i].record == form_record) set[i].checked = 0;
  }
}

void files_forget(void) {
  for (int set = 0; set < SETS; set++) {
    for (int way = 0; way < WAYS; way++) forget(&cache[set][way]);
  }
}
