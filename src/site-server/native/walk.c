#include "walk.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "arena.h"
#include "options.h"
#include "report.h"
#include "root.h"
#include "text.h"

const char *const form_suffixes[FORMS] = {".br", ".zst", ".gz"};

enum { DEPTH_MOST = 64 };

static const uint32_t WATCHED =
    IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

struct name {
  uint32_t at; /* in the arena */
  bool folder, file;
  uint64_t bytes;
  int64_t modified;
};

static struct arena arena;
static char path[PATH_MOST];
static struct {
  dev_t device;
  ino_t inode;
} ancestors[DEPTH_MOST];
static int watch_descriptor;
static void (*found_file)(const struct walked_file *);

static bool is_before(const struct name *a, const struct name *b) {
  return strcmp(arena.bytes + a->at, arena.bytes + b->at) < 0;
}

/* Lets the name at `top` sink until both below it are before it. */
static void sink(struct name *names, uint32_t top, uint32_t count) {
  struct name name = names[top];
  while (true) {
    uint32_t below = 2 * top + 1;
    if (below >= count) break;
    if (below + 1 < count && is_before(&names[below], &names[below + 1])) below++;
    if (!is_before(&name, &names[below])) break;
    names[top] = names[below];
    top = below;
  }
  names[top] = name;
}

/* Heapsort: a tenth of the size of qsort, and no name can make it slow. */
static void sort_names(struct name *names, uint32_t count) {
  for (uint32_t top = count / 2; top-- > 0;) sink(names, top, count);
  for (uint32_t last = count; last-- > 1;) {
    struct name largest = names[0];
    names[0] = names[last];
    names[last] = largest;
    sink(names, 0, last);
  }
}

static bool is_skipped(const char *name) {
  if (name[0] != '.') return false;
  if (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')) return true;
  return !options.serve_hidden && strcmp(name, ".well-known") != 0;
}

/* What a name is; nothing if it leads out of the root or cannot be opened. */
static void look_at(struct name *name, int folder, const char *text) {
  struct stat status;
  if (fstatat(folder, text, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (S_ISLNK(status.st_mode)) {
    int opened = root_open_file(path, O_PATH);
    bool known = opened >= 0 && fstat(opened, &status) == 0;
    if (opened >= 0) close(opened);
    if (!known) {
      report_error(errno, "left out: ", path, NULL);
      return;
    }
  }
  name->folder = S_ISDIR(status.st_mode);
  name->file = S_ISREG(status.st_mode);
  name->bytes = (uint64_t)status.st_size;
  name->modified = status.st_mtim.tv_sec;
}

/* Reads all names of a folder; returns the position of the first in the arena. */
static size_t read_names(int folder, uint32_t path_length, uint32_t *count) {
  /* linux_dirent64, getdents64(2) */
  struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
  };
  _Alignas(8) char buffer[8192];
  struct arena texts = {0};
  *count = 0;
  while (true) {
    long read = syscall(SYS_getdents64, folder, buffer, sizeof buffer);
    if (read < 0) report_error(errno, "cannot list ", path_length == 0 ? options.root_dir : path, NULL);
    if (read <= 0) break;
    for (long at = 0; at < read;) {
      struct entry *entry = (struct entry *)(buffer + at);
      at += entry->length;
      size_t length = strlen(entry->name) + 1;
      if (is_skipped(entry->name)) continue;
      size_t position = arena_take(&texts, length);
      memcpy(texts.bytes + position, entry->name, length);
      ++*count;
    }
  }
  if (*count == 0) return 0;
  size_t names = arena_take(&arena, *count * sizeof(struct name));
  size_t copy = arena_take(&arena, texts.used);
  memcpy(arena.bytes + copy, texts.bytes, texts.used);
  arena_free(&texts);
  size_t at = copy;
  for (uint32_t i = 0; i < *count; i++) {
    ((struct name *)(arena.bytes + names))[i] = (struct name){.at = (uint32_t)at};
    at = (at + strlen(arena.bytes + at) + 1 + 7) & ~(size_t)7;
  }
  return names;
}

static struct name *name_at(size_t names, uint32_t i) {
  return (struct name *)(arena.bytes + names) + i;
}

/* Appends a name to the path of its folder; returns the new length, 0 if it is too long. */
static uint32_t path_append(uint32_t length, const char *name) {
  size_t more = strlen(name);
  if (length + more + sizeof "/.zst" >= PATH_MOST) return 0;
  if (length > 0) path[length++] = '/';
  memcpy(path + length, name, more + 1);
  return length + (uint32_t)more;
}

/* The size of the neighbour with this suffix, found in the sorted names after that of the file. */
static uint64_t neighbour(size_t names, uint32_t count, uint32_t file, const char *suffix) {
  const char *name = arena.bytes + name_at(names, file)->at;
  char wanted[300];
  struct text text = text_in(wanted, sizeof wanted - 1);
  text_string(&text, name);
  text_string(&text, suffix);
  *text.at = '\0';
  uint32_t low = file + 1, high = count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    struct name *other = name_at(names, middle);
    int order = strcmp(arena.bytes + other->at, wanted);
    if (order == 0) return other->file && other->bytes < name_at(names, file)->bytes ? other->bytes : 0;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return 0;
}

static void tell_file(size_t names, uint32_t count, uint32_t i, uint32_t length) {
  struct name *name = name_at(names, i);
  struct walked_file file = {.path = path, .path_length = length, .bytes = name->bytes, .modified = name->modified};
  for (int form = 0; form < FORMS; form++) file.forms[form] = neighbour(names, count, i, form_suffixes[form]);
  found_file(&file);
}

static void walk_folder(int folder, uint32_t length, unsigned depth);

static void walk_into(uint32_t length, unsigned depth) {
  int folder = depth < DEPTH_MOST ? root_open_file(path, O_RDONLY | O_DIRECTORY) : (errno = ELOOP, -1);
  struct stat status;
  if (folder < 0 || fstat(folder, &status) != 0) {
    report_error(errno, "left out: ", path, NULL);
    if (folder >= 0) close(folder);
    return;
  }
  bool inside_itself = false;
  for (unsigned i = 0; i < depth; i++) {
    inside_itself |= ancestors[i].device == status.st_dev && ancestors[i].inode == status.st_ino;
  }
  if (!inside_itself) {
    ancestors[depth].device = status.st_dev;
    ancestors[depth].inode = status.st_ino;
    walk_folder(folder, length, depth);
  }
  close(folder);
}

static void watch_folder(int folder) {
  static bool told;
  char link[32] = "/proc/self/fd/";
  struct text text = text_in(link + 14, sizeof link - 15);
  text_number(&text, (uint64_t)folder);
  *text.at = '\0';
  /* By its descriptor, since the path may lead elsewhere by now. Without /proc, by the path. */
  if (inotify_add_watch(watch_descriptor, link, WATCHED) >= 0 || told) return;
  told = true;
  report_error(errno, "cannot watch all folders (fs.inotify.max_user_watches)", NULL);
}

static void walk_folder(int folder, uint32_t length, unsigned depth) {
  if (watch_descriptor >= 0) watch_folder(folder);
  size_t mark = arena.used;
  uint32_t count;
  size_t names = read_names(folder, length, &count);
  if (count > 0) sort_names(name_at(names, 0), count);
  for (uint32_t i = 0; i < count; i++) {
    const char *name = arena.bytes + name_at(names, i)->at;
    if (path_append(length, name) == 0) continue;
    look_at(name_at(names, i), folder, name);
  }
  for (uint32_t i = 0; i < count; i++) {
    uint32_t end = path_append(length, arena.bytes + name_at(names, i)->at);
    if (end == 0) continue;
    if (name_at(names, i)->folder) walk_into(end, depth + 1);
    else if (name_at(names, i)->file) tell_file(names, count, i, end);
  }
  path[length] = '\0';
  arena.used = mark;
}

void walk_root(int watch, void (*found)(const struct walked_file *)) {
  watch_descriptor = watch;
  found_file = found;
  path[0] = '\0';
  int folder = openat(root_folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat status;
  if (folder < 0 || fstat(folder, &status) != 0) {
    report_error(errno, "cannot list ", options.root_dir, NULL);
    if (folder >= 0) close(folder);
    return;
  }
  ancestors[0].device = status.st_dev;
  ancestors[0].inode = status.st_ino;
  walk_folder(folder, 0, 0);
  close(folder);
  arena_free(&arena);
}
