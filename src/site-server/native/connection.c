#include "connection.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
#include "clock.h"
#include "core.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include "reply.h"
#include "sending.h"

/* Seconds. A load balancer in front keeps idle connections for 60 mostly, and should be the one that ends them. */
enum { FIRST_SECONDS = 30, HEAD_SECONDS = 10, IDLE_SECONDS = 75, LINGER_SECONDS = 2 };
/* When descriptors run out: a connection that was accepted so long ago and has not asked is as good as idle; and how many are ended at once. */
enum { UNASKED_SECONDS = 2, ROOM_MOST = 64 };
/* Bytes that are read and thrown away after an answer that ends the connection, so that its client reads it before it is told of a reset. */
enum { LINGER_MOST = 1 << 20 };

enum state { CLOSED, READING, SENDING, LINGERING };

/*
 * What each state waits for. Nearly all that is waited for is the next request, so that is told once, when it comes (EPOLLET), and the kernel need not look again
 * whether there is more. Whoever has not read it all says so by `watch`, which has it told again. The others are told as long as it is so.
 */
static const uint32_t REQUEST_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET, ROOM_EVENTS = EPOLLOUT, REST_EVENTS = EPOLLIN;

struct connection {
  struct address peer;
  uint8_t *input; /* an incomplete head, or what came behind a request that is being answered */
  struct sending *sending;
  uint32_t input_length; /* LINGERING: bytes thrown away */
  uint8_t state;
  bool watched, asked;
};

uint32_t connections_open;

/* Pages of both are touched only as descriptors are used, and the kernel gives the lowest first. */
static struct connection connections[CONNECTIONS_MOST];
/* Ticks; 0 is never. Apart from the rest, since all are looked at every second. */
static uint32_t deadlines[CONNECTIONS_MOST];
static int highest;
static int epoll_descriptor;
static bool finishing;

void connections_start(int epoll) {
  epoll_descriptor = epoll;
}

static void release_input(struct connection *connection) {
  if (connection->input != NULL) munmap(connection->input, INPUT_BYTES);
  connection->input = NULL;
  connection->input_length = 0;
}

static void close_connection(int socket) {
  struct connection *connection = &connections[socket];
  if (connection->sending != NULL) sending_end(connection->sending);
  release_input(connection);
  *connection = (struct connection){0};
  deadlines[socket] = 0;
  close(socket);
  connections_open--;
  metrics->open--;
}

/* Waits for what the connection's state wants; what is there already is told too. */
static void watch(int socket, uint32_t events) {
  struct connection *connection = &connections[socket];
  struct epoll_event event = {.events = events, .data.fd = socket};
  if (epoll_ctl(epoll_descriptor, connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0) {
    close_connection(socket);
    return;
  }
  connection->watched = true;
}

/* The last answer was sent. `unread`: the client may still be sending, and a plain close would reset what it has not read yet. */
static void end_connection(int socket, bool unread) {
  struct connection *connection = &connections[socket];
  if (!unread || shutdown(socket, SHUT_WR) != 0) {
    close_connection(socket);
    return;
  }
  release_input(connection);
  connection->state = LINGERING;
  deadlines[socket] = clock_tick + LINGER_SECONDS;
  watch(socket, REST_EVENTS);
}

static void linger(int socket) {
  struct connection *connection = &connections[socket];
  ssize_t got = recv(socket, core_input, INPUT_BYTES, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got > 0) connection->input_length += (uint32_t)got;
  if (got <= 0 || connection->input_length > LINGER_MOST) close_connection(socket);
}

/* Keeps what is left of the input. Returns false if there is no memory for it: then the connection is closed. */
static bool keep_input(int socket, uint32_t at, uint32_t length) {
  struct connection *connection = &connections[socket];
  if (at == length) {
    release_input(connection);
    return true;
  }
  if (connection->input == NULL) {
    void *input = mmap(NULL, INPUT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (input == MAP_FAILED) {
      close_connection(socket);
      return false;
    }
    connection->input = input;
  }
  memcpy(connection->input, core_input + at, length - at);
  connection->input_length = length - at;
  return true;
}

enum outcome { GO_ON, WAIT, ENDED };

/*
 * Answers one request. `head` is what `parse` returned, `rest` whether more input follows. WAIT: the client does not take it all; GO_ON: it is sent, and
 * the connection is free for the next.
 */
static enum outcome answer(int socket, int32_t head, bool rest) {
  struct connection *connection = &connections[socket];
  struct reply reply;
  bool body = false;
  if (head < 0) {
    reply_with_status(&reply, (unsigned)-head);
  } else {
    uint8_t flags = core_request[REQUEST_AT_FLAGS];
    body = (flags & REQUEST_CHUNKED) != 0 || ((flags & REQUEST_HAS_LENGTH) != 0 && read_f64(core_request, REQUEST_AT_CONTENT_LENGTH) != 0);
    reply_to_request(&reply, finishing || body || (flags & REQUEST_KEEP_ALIVE) == 0);
  }
  struct sent_line line = {.peer = &connection->peer, .known = head > 0, .began = clock_turn, .unread = head < 0 || body || rest};
  connection->asked = true;
  enum sent sent = send_reply(socket, &reply, &line, rest && !reply.close, &connection->sending);
  if (sent == SENT_PART) return WAIT;
  if (sent == SENT_ALL && !reply.close) return GO_ON;
  if (sent == SENT_ALL) end_connection(socket, line.unread);
  else close_connection(socket);
  return ENDED;
}

/* Answers the requests in the first `length` bytes of the core's input. */
static void answer_all(int socket, uint32_t length, bool head_began) {
  struct connection *connection = &connections[socket];
  uint32_t at = 0, input = core_address(core_input);
  bool corked = false;
  enum outcome outcome = GO_ON;
  while (at < length && outcome == GO_ON) {
    int32_t head = (int32_t)ANSWER(parse, input + at, input + length);
    if (head == 0) break;
    if (head > 0 && (uint32_t)head > length - at) core_is_wrong("length of a head");
    if (head < -599) core_is_wrong("status of a refusal");
    at = head < 0 ? length : at + (uint32_t)head;
    head_began = false;
    corked = at < length;
    outcome = answer(socket, head, corked);
  }
  if (outcome == ENDED || !keep_input(socket, at, length)) return;
  if (outcome == WAIT) {
    connection->state = SENDING;
    /* From what it has taken now on. */
    sending_earned(socket, connection->sending);
    deadlines[socket] = clock_tick + SENDING_GRACE;
    watch(socket, ROOM_EVENTS);
    clock_turn = clock_now();
    return;
  }
  bool was_sending = connection->state == SENDING;
  connection->state = READING;
  if (at == length) deadlines[socket] = clock_tick + IDLE_SECONDS;
  else if (!head_began) deadlines[socket] = clock_tick + HEAD_SECONDS;
  /* What was held back for more to come goes out. */
  if (corked && setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) != 0) {
    close_connection(socket);
    return;
  }
  if (was_sending || !connection->watched) watch(socket, REQUEST_EVENTS);
}

/* `events`: as the kernel told them. */
static void read_requests(int socket, uint32_t events) {
  struct connection *connection = &connections[socket];
  uint32_t kept = connection->input_length, room = INPUT_BYTES - kept;
  ssize_t got = recv(socket, core_input + kept, room, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    watch(socket, REQUEST_EVENTS);
    return;
  }
  if (got <= 0) {
    close_connection(socket);
    return;
  }
  if (kept > 0) memcpy(core_input, connection->input, kept);
  answer_all(socket, kept + (uint32_t)got, kept > 0);
  /* What fills the room may not be all; and behind what came, its end or an error is still to be read. In its turn: others wait too. */
  if (((uint32_t)got == room || (events & ~(uint32_t)EPOLLIN) != 0) && connection->state == READING) watch(socket, REQUEST_EVENTS);
}

static void go_on_sending(int socket) {
  struct connection *connection = &connections[socket];
  struct sending *sending = connection->sending;
  enum sent sent = sending_continue(socket, sending);
  if (sent == SENT_PART) {
    clock_turn = clock_now();
    return;
  }
  bool close = sending->close, unread = sending->line.unread;
  sending_end(sending);
  connection->sending = NULL;
  if (sent == SENT_FAILED) {
    close_connection(socket);
  } else if (close) {
    end_connection(socket, unread);
  } else {
    uint32_t length = connection->input_length;
    if (length > 0) memcpy(core_input, connection->input, length);
    answer_all(socket, length, false);
  }
}

void connection_accepted(int socket, const struct sockaddr_storage *peer) {
  struct connection *connection = &connections[socket];
  address_of_socket(&connection->peer, peer);
  connection->state = READING;
  deadlines[socket] = clock_tick + FIRST_SECONDS;
  if (socket > highest) highest = socket;
  connections_open++;
  metrics->open++;
  metrics->accepted++;
  /* The request has come with the connection, mostly. */
  read_requests(socket, 0);
}

void connection_ready(int socket, uint32_t events) {
  switch (connections[socket].state) {
    case READING:
      read_requests(socket, events);
      break;
    case SENDING:
      go_on_sending(socket);
      break;
    case LINGERING:
      linger(socket);
      break;
    default:
      break; /* an event that was already fetched when the connection was closed */
  }
}

static void time_is_up(int socket) {
  struct connection *connection = &connections[socket];
  uint32_t earned = connection->state == SENDING ? sending_earned(socket, connection->sending) : 0;
  if (earned > 0) {
    deadlines[socket] = clock_tick + earned;
    return;
  }
  bool late = connection->state == READING && connection->input_length > 0;
  if (late || connection->state == SENDING) metrics->timed_out++;
  if (late) {
    if (answer(socket, -408, false) == WAIT) close_connection(socket);
  } else {
    close_connection(socket);
  }
}

void connections_tick(void) {
  for (int socket = 0; socket <= highest; socket++) {
    if (deadlines[socket] != 0 && deadlines[socket] <= clock_tick) time_is_up(socket);
  }
}

static bool is_idle(int socket) {
  const struct connection *connection = &connections[socket];
  return connection->state == READING && connection->input_length == 0 && connection->asked;
}

/* The tick since which nothing is under way on a connection that may be ended for others; UINT32_MAX if it may not. */
static uint32_t idle_since(int socket) {
  const struct connection *connection = &connections[socket];
  if (connection->state != READING || connection->input_length != 0) return UINT32_MAX;
  if (connection->asked) return deadlines[socket] - IDLE_SECONDS;
  uint32_t accepted = deadlines[socket] - FIRST_SECONDS;
  return accepted + UNASKED_SECONDS <= clock_tick ? accepted : UINT32_MAX;
}

uint32_t connections_make_room(void) {
  uint32_t first = UINT32_MAX, ended = 0;
  for (int socket = 0; socket <= highest; socket++) {
    uint32_t since = idle_since(socket);
    if (since < first) first = since;
  }
  for (int socket = 0; first != UINT32_MAX && socket <= highest && ended < ROOM_MOST; socket++) {
    if (idle_since(socket) != first) continue;
    close_connection(socket);
    ended++;
  }
  return ended;
}

void connections_finish(void) {
  finishing = true;
}

void connections_end_idle(void) {
  for (int socket = 0; socket <= highest; socket++) {
    if (is_idle(socket)) close_connection(socket);
  }
}
