/*
 * The start of the process and its calls of the kernel, under the names that musl's headers declare, in place of musl's own: those are made for threads that are
 * cancelled, and bring 8 KB. There is one thread. What is left of musl are its headers and functions of strings.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>
#include "vdso.h"

/* The kernel's own size of a set of signals. */
enum { SET_BYTES = 8 };

int system_error;
static char **variables;

int *__errno_location(void) {
  return &system_error;
}

int main(int count, char **arguments);

/* Where the kernel begins: the number of arguments, they, NULL, the environment, NULL, pairs of getauxval(3). */
_Noreturn void system_start(uintptr_t *stack) {
  char **arguments = (char **)(stack + 1);
  variables = arguments + *stack + 1;
  char **end = variables;
  while (*end != NULL) end++;
  for (const uintptr_t *pair = (uintptr_t *)(end + 1); *pair != AT_NULL; pair += 2) {
    if (*pair == AT_SYSINFO_EHDR) vdso_find((const void *)pair[1]);
  }
  _exit(main((int)*stack, arguments));
}

char *getenv(const char *name) {
  size_t length = strlen(name);
  for (char **variable = variables; *variable != NULL; variable++) {
    if (memcmp(*variable, name, length) == 0 && (*variable)[length] == '=') return *variable + length + 1;
  }
  return NULL;
}

#define TEXT(number) #number
#define NUMBER_TEXT(number) TEXT(number)
#define NUMBER(name) NUMBER_TEXT(SYS_##name)

#if defined(__x86_64__)
__asm__(".section .text.system,\"ax\"\n"
        ".globl _start\n"
        "_start: xor %ebp, %ebp\n"
        "mov %rsp, %rdi\n"
        "and $-16, %rsp\n"
        "call system_start\n"
        ".globl syscall\n"
        "syscall: mov %edi, %eax\n"
        "mov %rsi, %rdi\n"
        "mov %rdx, %rsi\n"
        "mov %rcx, %rdx\n"
        "mov %r8, %rcx\n"
        "mov %r9, %r8\n"
        "mov 8(%rsp), %r9\n"
        "system_call: mov %rcx, %r10\n"
        "syscall\n"
        "cmp $-4096, %rax\n"
        "ja 1f\n"
        "ret\n"
        "1: neg %eax\n"
        "mov %eax, system_error\n"
        "or $-1, %rax\n"
        "ret\n"
        ".previous\n");
#define CALL(name, number)                       \
  __asm__(".section .text.system,\"ax\"\n"       \
          ".globl " #name "\n"                   \
          #name ": mov $" number ", %eax\n"      \
          "jmp system_call\n"                    \
          ".previous\n");
#elif defined(__aarch64__)
__asm__(".section .text.system,\"ax\"\n"
        ".globl _start\n"
        "_start: mov x29, #0\n"
        "mov x30, #0\n"
        "mov x0, sp\n"
        "and sp, x0, #-16\n"
        "b system_start\n"
        ".globl syscall\n"
        "syscall: mov w8, w0\n"
        "mov x0, x1\n"
        "mov x1, x2\n"
        "mov x2, x3\n"
        "mov x3, x4\n"
        "mov x4, x5\n"
        "mov x5, x6\n"
        "system_call: svc #0\n"
        "cmn x0, #4095\n"
        "b.hs 1f\n"
        "ret\n"
        "1: neg w0, w0\n"
        "adrp x1, system_error\n"
        "str w0, [x1, :lo12:system_error]\n"
        "mov x0, #-1\n"
        "ret\n"
        ".previous\n");
#define CALL(name, number)                       \
  __asm__(".section .text.system,\"ax\"\n"       \
          ".globl " #name "\n"                   \
          #name ": mov w8, #" number "\n"        \
          "b system_call\n"                      \
          ".previous\n");
#else
#error "another machine"
#endif

CALL(_exit, NUMBER(exit_group))
CALL(accept4, NUMBER(accept4))
CALL(bind, NUMBER(bind))
CALL(close, NUMBER(close))
CALL(epoll_create1, NUMBER(epoll_create1))
CALL(epoll_ctl, NUMBER(epoll_ctl))
CALL(fcntl, NUMBER(fcntl))
CALL(fstat, NUMBER(fstat))
CALL(fstatat, NUMBER(newfstatat))
CALL(getpid, NUMBER(getpid))
CALL(getppid, NUMBER(getppid))
CALL(getsockname, NUMBER(getsockname))
CALL(getsockopt, NUMBER(getsockopt))
CALL(inotify_add_watch, NUMBER(inotify_add_watch))
CALL(inotify_init1, NUMBER(inotify_init1))
CALL(ioctl, NUMBER(ioctl))
CALL(kill, NUMBER(kill))
CALL(listen, NUMBER(listen))
CALL(mmap, NUMBER(mmap))
CALL(mremap, NUMBER(mremap))
CALL(munmap, NUMBER(munmap))
CALL(openat, NUMBER(openat))
CALL(prctl, NUMBER(prctl))
CALL(pread, NUMBER(pread64))
CALL(read, NUMBER(read))
CALL(sendfile, NUMBER(sendfile))
CALL(setsockopt, NUMBER(setsockopt))
CALL(shutdown, NUMBER(shutdown))
CALL(socket, NUMBER(socket))
CALL(timerfd_create, NUMBER(timerfd_create))
CALL(timerfd_settime, NUMBER(timerfd_settime))
CALL(write, NUMBER(write))

/* Those whose arguments are not the kernel's. */

int open(const char *path, int flags, ...) {
  return openat(AT_FDCWD, path, flags);
}

int stat(const char *path, struct stat *status) {
  return fstatat(AT_FDCWD, path, status, 0);
}

ssize_t send(int socket, const void *bytes, size_t length, int flags) {
  return syscall(SYS_sendto, socket, bytes, length, flags, NULL, 0);
}

ssize_t recv(int socket, void *bytes, size_t length, int flags) {
  return syscall(SYS_recvfrom, socket, bytes, length, flags, NULL, NULL);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
  return (int)syscall(SYS_epoll_pwait, epoll, events, most, timeout, NULL, SET_BYTES);
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout) {
  struct timespec time = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000};
  return (int)syscall(SYS_ppoll, descriptors, count, timeout < 0 ? NULL : &time, NULL, SET_BYTES);
}

int signalfd(int descriptor, const sigset_t *set, int flags) {
  return (int)syscall(SYS_signalfd4, descriptor, set, SET_BYTES, flags);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *before) {
  return (int)syscall(SYS_rt_sigprocmask, how, set, before, SET_BYTES);
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout) {
  return (int)syscall(SYS_rt_sigtimedwait, set, info, timeout, SET_BYTES);
}

int sigemptyset(sigset_t *set) {
  *set = (sigset_t){0};
  return 0;
}

int sigaddset(sigset_t *set, int signal) {
  set->__bits[0] |= 1ul << (signal - 1);
  return 0;
}

pid_t waitpid(pid_t process, int *status, int options) {
  return (pid_t)syscall(SYS_wait4, process, status, options, NULL);
}

pid_t _Fork(void) {
  return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
