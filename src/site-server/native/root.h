/* The folder that is served. Nothing outside of it is ever opened. */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>

/* The folder as it was opened last: O_PATH. Another folder that takes its place is seen only by `root_moved`. */
extern int root_folder;

/* Opens `options.root_dir`. Returns 0 or an error number; then what was open before stays. */
int root_open(void);
/* Whether the path now leads to another folder: it was renamed, or a symbolic link on the way was switched. */
bool root_moved(void);
/*
 * Opens what is below the root, for reading; `path` is relative. Symbolic links are followed as long as they stay inside. Never waits (FIFOs).
 * Returns a descriptor, or -1 and errno.
 */
int root_open_file(const char *path, int flags);
