#include "root.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "options.h"
#include "report.h"
#include "text.h"

/* openat2(2). musl has no header for it. */
struct open_how {
  uint64_t flags, mode, resolve;
};
enum { RESOLVE_NO_MAGICLINKS = 0x02, RESOLVE_BENEATH = 0x08 };

int root_folder = -1;
static dev_t device;
static ino_t inode;
/* A kernel before 5.6, or a container runtime that forbids openat2. */
static bool without_openat2;

int root_open(void) {
  int folder = open(options.root_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct stat status;
  if (folder < 0 || fstat(folder, &status) != 0) return errno;
  if (root_folder >= 0) close(root_folder);
  root_folder = folder;
  device = status.st_dev;
  inode = status.st_ino;
  return 0;
}

bool root_moved(void) {
  struct stat status;
  return stat(options.root_dir, &status) == 0 && (status.st_dev != device || status.st_ino != inode);
}

/* One name after another, no symbolic link among them. */
static int open_step_by_step(const char *path, int flags) {
  int folder = root_folder;
  while (true) {
    size_t length = text_until(path, '/');
    char name[256];
    bool last = path[length] == '\0';
    int opened = -1;
    if (length >= sizeof name) {
      errno = ENAMETOOLONG;
    } else {
      memcpy(name, path, length);
      name[length] = '\0';
      if (strcmp(name, "..") == 0) errno = EXDEV;
      else opened = openat(folder, name, O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_PATH | O_DIRECTORY));
    }
    int error = errno;
    if (folder != root_folder) close(folder);
    errno = error;
    if (opened < 0 || last) return opened;
    folder = opened;
    path += length + 1;
  }
}

int root_open_file(const char *path, int flags) {
  flags |= O_CLOEXEC;
  /* openat2 refuses flags that mean nothing with O_PATH. */
  if ((flags & O_PATH) == 0) flags |= O_NONBLOCK | O_NOCTTY;
  if (!without_openat2) {
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    /* EAGAIN: somebody renamed something on the way, and the kernel could not be sure. */
    for (int attempt = 0; attempt < 10; attempt++) {
      long opened = syscall(SYS_openat2, root_folder, path, &how, sizeof how);
      if (opened >= 0) return (int)opened;
      if (errno != EAGAIN) break;
    }
    if (errno != ENOSYS && errno != EPERM) return -1;
    without_openat2 = true;
    report("this kernel or container has no openat2: symbolic links are not followed", NULL);
  }
  return open_step_by_step(path, flags);
}
