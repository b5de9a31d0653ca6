/*
 * The floor without a call of the kernel for each request: all that is to be received and sent goes in and comes out by rings that are shared
 * with the kernel, and one call a turn of the loop hands them over and waits. It says whether those calls are what a request costs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "floor.h"

enum { ENTRIES = 256, FILES = 1024, BUFFERS = 256, BUFFER_BYTES = 2048 };
/* What was asked for, in the upper half of `user_data`; below it the connection. */
enum { ACCEPT, RECEIVE, SEND, CLOSE };

static int ring, registered;
static struct io_uring_sqe *submissions;
static struct io_uring_cqe *completions;
static uint32_t *submission_tail, *completion_head, *completion_tail, completion_mask, tail, submitted;
static struct io_uring_buf_ring *buffers;
static char input[BUFFERS][BUFFER_BYTES];
static uint16_t buffers_tail;

static void register_with(unsigned what, void *argument, unsigned count, int wanted) {
  if (syscall(SYS_io_uring_register, ring, what, argument, count) != wanted) fail("io_uring_register");
}

static void *map(int descriptor, size_t bytes, off_t offset) {
  int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, descriptor, offset);
  if (mapped == MAP_FAILED) fail("mmap");
  return mapped;
}

static void enter(unsigned wait) {
  __atomic_store_n(submission_tail, tail, __ATOMIC_RELEASE);
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING;
  if (syscall(SYS_io_uring_enter, registered, tail - submitted, wait, flags, NULL, 0) < 0 && errno != EINTR) fail("io_uring_enter");
  submitted = tail;
}

static struct io_uring_sqe *submit(uint8_t operation, uint64_t kind, int descriptor) {
  if (tail - submitted == ENTRIES) enter(0);
  struct io_uring_sqe *submission = &submissions[tail++ % ENTRIES];
  *submission = (struct io_uring_sqe){.opcode = operation, .fd = descriptor, .user_data = kind << 32 | (uint32_t)descriptor};
  return submission;
}

static void give_back(uint16_t buffer) {
  struct io_uring_buf *free = &buffers->bufs[buffers_tail++ % BUFFERS];
  free->addr = (uintptr_t)input[buffer];
  free->len = BUFFER_BYTES;
  free->bid = buffer;
  __atomic_store_n(&buffers->tail, buffers_tail, __ATOMIC_RELEASE);
}

/* Told again for each request, until the kernel says that it is over. */
static void receive(int connection) {
  struct io_uring_sqe *submission = submit(IORING_OP_RECV, RECEIVE, connection);
  submission->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  submission->ioprio = IORING_RECV_MULTISHOT;
}

static void send_answer(int connection) {
  struct io_uring_sqe *submission = submit(IORING_OP_SEND, SEND, connection);
  submission->flags = IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  submission->addr = (uintptr_t)answer;
  submission->len = (uint32_t)answer_length;
  submission->msg_flags = MSG_NOSIGNAL;
}

static void accept_all(int listener) {
  struct io_uring_sqe *submission = submit(IORING_OP_ACCEPT, ACCEPT, listener);
  submission->ioprio = IORING_ACCEPT_MULTISHOT;
  submission->file_index = IORING_FILE_INDEX_ALLOC;
}

/* Of a failed sending nothing needs to be done: the receiving ends too. */
static void take_completion(int listener, const struct io_uring_cqe *completion) {
  uint64_t kind = completion->user_data >> 32;
  bool goes_on = (completion->flags & IORING_CQE_F_MORE) != 0;
  if ((completion->flags & IORING_CQE_F_BUFFER) != 0) give_back((uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT));
  if (kind == ACCEPT) {
    if (completion->res >= 0) receive(completion->res);
    if (!goes_on) accept_all(listener);
  } else if (kind == RECEIVE) {
    int connection = (int)(uint32_t)completion->user_data;
    if (completion->res > 0) send_answer(connection);
    if (completion->res > 0 || completion->res == -ENOBUFS) {
      if (!goes_on) receive(connection);
    } else {
      submit(IORING_OP_CLOSE, CLOSE, 0)->file_index = (uint32_t)connection + 1;
    }
  }
}

static void set_up(void) {
  struct io_uring_params parameters = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
  ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &parameters);
  if (ring < 0) fail("io_uring_setup");
  size_t bytes = parameters.cq_off.cqes + parameters.cq_entries * sizeof *completions;
  size_t array_end = parameters.sq_off.array + ENTRIES * sizeof(uint32_t);
  char *shared = map(ring, bytes > array_end ? bytes : array_end, IORING_OFF_SQ_RING);
  submissions = map(ring, ENTRIES * sizeof *submissions, IORING_OFF_SQES);
  completions = (struct io_uring_cqe *)(shared + parameters.cq_off.cqes);
  submission_tail = (uint32_t *)(shared + parameters.sq_off.tail);
  completion_head = (uint32_t *)(shared + parameters.cq_off.head);
  completion_tail = (uint32_t *)(shared + parameters.cq_off.tail);
  completion_mask = parameters.cq_entries - 1;
  uint32_t *order = (uint32_t *)(shared + parameters.sq_off.array);
  for (uint32_t i = 0; i < ENTRIES; i++) order[i] = i;
}

static void set_up_registered(void) {
  struct io_uring_rsrc_update update = {.offset = UINT32_MAX, .data = (uint32_t)ring};
  register_with(IORING_REGISTER_RING_FDS, &update, 1, 1);
  registered = (int)update.offset;
  struct io_uring_rsrc_register files = {.nr = FILES, .flags = IORING_RSRC_REGISTER_SPARSE};
  register_with(IORING_REGISTER_FILES2, &files, sizeof files, 0);
  buffers = map(-1, BUFFERS * sizeof(struct io_uring_buf), 0);
  struct io_uring_buf_reg group = {.ring_addr = (uintptr_t)buffers, .ring_entries = BUFFERS};
  register_with(IORING_REGISTER_PBUF_RING, &group, 1, 0);
  for (uint16_t i = 0; i < BUFFERS; i++) give_back(i);
}

void serve_by_ring(int listener) {
  set_up();
  set_up_registered();
  /* What does not wait is answered with EAGAIN, and not waited for by the ring. */
  if (fcntl(listener, F_SETFL, 0) != 0) fail("fcntl");
  accept_all(listener);
  while (1) {
    enter(1);
    uint32_t head = *completion_head, end = __atomic_load_n(completion_tail, __ATOMIC_ACQUIRE);
    for (; head != end; head++) take_completion(listener, &completions[head & completion_mask]);
    __atomic_store_n(completion_head, head, __ATOMIC_RELEASE);
  }
}
