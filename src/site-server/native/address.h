/* IP addresses. All are kept as IPv6; IPv4 as `::ffff:a.b.c.d`. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "text.h"

struct address {
  uint8_t bytes[16];
};

enum { NETWORKS_MOST = 64 };
struct networks {
  unsigned count;
  struct {
    struct address address;
    uint8_t bits;
  } list[NETWORKS_MOST];
};

/* Reads `1.2.3.4`, `2001:db8::1`, and with `port_allowed` also `1.2.3.4:80`, `[2001:db8::1]:80`. */
bool address_parse(struct address *, const uint8_t *text, size_t length, bool port_allowed);
void address_of_socket(struct address *, const struct sockaddr_storage *);
void address_write(struct text *, const struct address *);

/* Reads `10.0.0.0/8,fd00::/8,private`; `none` is the empty list, `private` the networks that are nobody's on the internet. */
bool networks_parse(struct networks *, const char *list);
bool networks_have(const struct networks *, const struct address *);

/* Reads `:3000`, `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000`. Without a host: every address, `::` that takes IPv4 too. */
bool listen_address_parse(const char *text, struct address *, bool *any, uint16_t *port);
