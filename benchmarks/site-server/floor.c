/*
 * What the kernel alone asks for: receives, sends one and the same answer, waits, and knows nothing of HTTP. No server that
 * receives and sends once a request can take less of the processor.
 *
 *     floor PORT FILE         answers every request with FILE, as HTML; waits by epoll(7)
 *     floor PORT FILE ring    the same by io_uring(7)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "floor.h"

/* As many bytes as a server's head has. */
static const char HEAD[] =
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n"
    "ETag: \"00000000000000000000000000000000\"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Cache-Control: no-cache\r\nAccept-Ranges: bytes\r\nContent-Length: %zu\r\n\r\n";

static char body[65536], input[65536];
char answer[sizeof body + sizeof HEAD + 20];
size_t answer_length;

void fail(const char *what) {
  perror(what);
  exit(1);
}

static void prepare(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path);
  size_t bytes = fread(body, 1, sizeof body, file);
  fclose(file);
  answer_length = (size_t)sprintf(answer, HEAD, bytes);
  for (size_t i = 0; i < bytes; i++) answer[answer_length++] = body[i];
}

static void watch(int epoll, int descriptor, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
}

static void take(int epoll, int listener, int descriptor) {
  if (descriptor == listener) {
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (accepted >= 0) watch(epoll, accepted, EPOLLIN | EPOLLET);
  } else if (recv(descriptor, input, sizeof input, 0) <= 0 || send(descriptor, answer, answer_length, MSG_NOSIGNAL) < 0) {
    close(descriptor);
  }
}

static int open_listener(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) fail("listen");
  return listener;
}

int main(int count, char **arguments) {
  if (count < 3 || count > 4 || (count == 4 && strcmp(arguments[3], "ring") != 0)) return 2;
  prepare(arguments[2]);
  int listener = open_listener(arguments[1]);
  if (count == 4) serve_by_ring(listener);
  int epoll = epoll_create1(0);
  watch(epoll, listener, EPOLLIN);
  while (1) {
    struct epoll_event events[128];
    int ready = epoll_wait(epoll, events, 128, -1);
    for (int i = 0; i < ready; i++) take(epoll, listener, events[i].data.fd);
  }
}
