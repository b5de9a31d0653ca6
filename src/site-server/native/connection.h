/* Connections: reading requests, sending answers, and the time limits of both. An idle connection costs 40 bytes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Descriptors of connections are below this: 10,000 at once and files beside. */
enum { CONNECTIONS_MOST = 65536 };

/* How many are open. */
extern uint32_t connections_open;

/* Before the first: `epoll` is where they are waited for, by their descriptors. */
void connections_start(int epoll);
void connection_accepted(int socket, const struct sockaddr_storage *peer);
/* `events`: what the kernel told of it, EPOLL*. */
void connection_ready(int socket, uint32_t events);
/* Once a second: ends those whose time is up. */
void connections_tick(void);
/* Ends the connections that have been idle for the longest, so that others may come. Returns how many. */
uint32_t connections_make_room(void);
/* From now on each answer is the last of its connection. */
void connections_finish(void);
/* Ends those that have nothing under way. */
void connections_end_idle(void);
