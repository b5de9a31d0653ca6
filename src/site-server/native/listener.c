#include "listener.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "options.h"
#include "report.h"

enum { BACKLOG = 4096 };
/* Where the kernel paces, bytes of a connection that may wait for their time; it asks for more when they are fewer than half of it. */
enum { UNSENT_MOST = 16 << 10 };

int listener = -1;
bool listener_paces;
static int sockets[64];
static uint32_t count;

static socklen_t make_name(struct sockaddr_storage *name, bool v6) {
  memset(name, 0, sizeof *name);
  if (v6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)name;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(options.port);
    if (!options.any_address) memcpy(&in6->sin6_addr, options.address.bytes, 16);
    return sizeof *in6;
  }
  struct sockaddr_in *in = (struct sockaddr_in *)name;
  in->sin_family = AF_INET;
  in->sin_port = htons(options.port);
  if (!options.any_address) memcpy(&in->sin_addr, options.address.bytes + 12, 4);
  return sizeof *in;
}

static bool is_v4(void) {
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  return !options.any_address && memcmp(options.address.bytes, mapped, sizeof mapped) == 0;
}

static int set(int socket, int level, int option, int value) {
  return setsockopt(socket, level, option, &value, sizeof value);
}

/*
 * With congestion control that paces (BBR), what a socket holds back is sent by timers and as acknowledgements arrive: on the client's core, if the client is on this
 * machine, and it has less time to read. So little is held back, and this process sends most. What is accepted inherits that; a kernel that cannot do it, does without.
 */
static void expect_pacing(int socket) {
  char name[16] = "";
  socklen_t length = sizeof name - 1;
  if (getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, &length) != 0 || memcmp(name, "bbr", 3) != 0) return;
  listener_paces = set(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MOST) == 0;
}

static int open_one(bool v6, bool shared) {
  struct sockaddr_storage name;
  socklen_t length = make_name(&name, v6);
  int opened = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (opened < 0) return -1;
  /* What is accepted inherits TCP_NODELAY. */
  bool ready = set(opened, SOL_SOCKET, SO_REUSEADDR, 1) == 0 && set(opened, IPPROTO_TCP, TCP_NODELAY, 1) == 0;
  if (v6 && options.any_address) ready = ready && set(opened, IPPROTO_IPV6, IPV6_V6ONLY, 0) == 0;
  if (shared) ready = ready && set(opened, SOL_SOCKET, SO_REUSEPORT, 1) == 0;
  expect_pacing(opened);
  if (ready && bind(opened, (struct sockaddr *)&name, length) == 0 && listen(opened, BACKLOG) == 0) return opened;
  int error = errno;
  close(opened);
  errno = error;
  return -1;
}

/* The port that the kernel chose holds for the others too. */
static void learn_port(int socket) {
  struct sockaddr_in6 name;
  socklen_t length = sizeof name;
  if (getsockname(socket, (struct sockaddr *)&name, &length) == 0) options.port = ntohs(name.sin6_port);
}

void listeners_open(uint32_t workers) {
  /* With one worker without SO_REUSEPORT: a second server on the same port is told so, and does not take half of the connections. */
  bool shared = workers > 1, v6 = !is_v4();
  for (count = 0; count < workers; count++) {
    int opened = open_one(v6, shared);
    if (opened < 0 && count == 0 && options.any_address && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
      v6 = false;
      options.any_address = true;
      opened = open_one(false, shared);
    }
    if (opened < 0) fail_error(errno, "cannot listen on ", listener_name(), NULL);
    sockets[count] = opened;
    if (options.port == 0) learn_port(opened);
  }
  listener = sockets[0];
}

void listener_use(uint32_t worker) {
  for (uint32_t i = 0; i < count; i++) {
    if (i != worker) close(sockets[i]);
  }
  listener = sockets[worker];
}

void listeners_close(void) {
  for (uint32_t i = 0; i < count; i++) close(sockets[i]);
}

const char *listener_name(void) {
  static char name[80];
  struct text text = text_in(name, sizeof name - 1);
  bool v4 = is_v4();
  if (!v4) text_string(&text, "[");
  if (options.any_address) text_string(&text, "::");
  else address_write(&text, &options.address);
  text_string(&text, v4 ? ":" : "]:");
  text_number(&text, options.port);
  *text.at = '\0';
  return name;
}
