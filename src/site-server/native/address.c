#include "address.h"
#include <netinet/in.h>
#include <string.h>

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  uint8_t lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Reads a decimal number of at most `most`; returns how many digits, 0 if there is none. */
static size_t parse_number(const uint8_t *text, size_t length, unsigned most, unsigned *number) {
  size_t i = 0;
  *number = 0;
  while (i < length && i < 5 && text[i] >= '0' && text[i] <= '9') *number = *number * 10 + (unsigned)(text[i++] - '0');
  return *number > most || (i > 1 && text[0] == '0') ? 0 : i;
}

static bool parse_v4(uint8_t *bytes, const uint8_t *text, size_t length) {
  for (int part = 0; part < 4; part++) {
    unsigned number;
    size_t digits = parse_number(text, length, 255, &number);
    if (digits == 0) return false;
    bytes[part] = (uint8_t)number;
    text += digits;
    length -= digits;
    if (part == 3) break;
    if (length == 0 || *text != '.') return false;
    text++, length--;
  }
  return length == 0;
}

/* RFC 4291, 2.2. */
static bool parse_v6(uint8_t *bytes, const uint8_t *text, size_t length) {
  int gap = -1, at = 0;
  size_t i = 0;
  memset(bytes, 0, 16);
  if (length >= 2 && text[0] == ':' && text[1] == ':') gap = 0, i = 2;
  while (i < length && at < 16) {
    unsigned group = 0;
    size_t begin = i;
    while (i < length && i - begin < 4 && hex_digit(text[i]) >= 0) group = group << 4 | (unsigned)hex_digit(text[i++]);
    if (i == begin) return false;
    if (i < length && text[i] == '.') {
      if (at > 12 || !parse_v4(bytes + at, text + begin, length - begin)) return false;
      at += 4, i = length;
      break;
    }
    bytes[at++] = (uint8_t)(group >> 8);
    bytes[at++] = (uint8_t)group;
    if (i == length) break;
    if (text[i++] != ':' || i == length) return false;
    if (text[i] == ':') {
      if (gap >= 0) return false;
      gap = at, i++;
    }
  }
  if (i != length || (gap < 0 ? at != 16 : at > 14)) return false;
  if (gap >= 0) {
    int moved = at - gap;
    memmove(bytes + 16 - moved, bytes + gap, (size_t)moved);
    memset(bytes + gap, 0, (size_t)(16 - at));
  }
  return true;
}

bool address_parse(struct address *address, const uint8_t *text, size_t length, bool port_allowed) {
  if (port_allowed && length > 2 && text[0] == '[') {
    const uint8_t *end = memchr(text, ']', length);
    return end != NULL && parse_v6(address->bytes, text + 1, (size_t)(end - text - 1));
  }
  const uint8_t *colon = memchr(text, ':', length);
  if (colon == NULL || memchr(text, '.', (size_t)(colon - text)) != NULL) {
    if (colon != NULL && port_allowed) length = (size_t)(colon - text);
    memcpy(address->bytes, MAPPED, sizeof MAPPED);
    return parse_v4(address->bytes + 12, text, length);
  }
  return parse_v6(address->bytes, text, length);
}

void address_of_socket(struct address *address, const struct sockaddr_storage *socket) {
  if (socket->ss_family == AF_INET) {
    memcpy(address->bytes, MAPPED, sizeof MAPPED);
    memcpy(address->bytes + 12, &((const struct sockaddr_in *)socket)->sin_addr, 4);
  } else {
    memcpy(address->bytes, &((const struct sockaddr_in6 *)socket)->sin6_addr, 16);
  }
}

static void write_hex(struct text *text, unsigned group) {
  bool begun = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    unsigned digit = group >> shift & 15;
    begun = begun || digit != 0 || shift == 0;
    if (begun) text_add(text, &"0123456789abcdef"[digit], 1);
  }
}

/* RFC 5952: lower case, the longest row of zeros as `::`. */
void address_write(struct text *text, const struct address *address) {
  const uint8_t *bytes = address->bytes;
  if (memcmp(bytes, MAPPED, sizeof MAPPED) == 0) {
    for (int i = 12; i < 16; i++) {
      if (i > 12) text_add(text, ".", 1);
      text_number(text, bytes[i]);
    }
    return;
  }
  int gap = -1, gap_length = 1;
  for (int i = 0; i < 8; i++) {
    int length = 0;
    while (i + length < 8 && bytes[2 * (i + length)] == 0 && bytes[2 * (i + length) + 1] == 0) length++;
    if (length > gap_length) gap = i, gap_length = length;
  }
  for (int i = 0; i < 8; i++) {
    if (i == gap) {
      text_string(text, "::");
      i += gap_length - 1;
      continue;
    }
    if (i > 0 && i != gap + gap_length) text_add(text, ":", 1);
    write_hex(text, (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
}

static const char PRIVATE[] = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,100.64.0.0/10,::1/128,fc00::/7,fe80::/10";

static bool add_network(struct networks *networks, const uint8_t *text, size_t length) {
  if (networks->count == NETWORKS_MOST) return false;
  const uint8_t *slash = memchr(text, '/', length);
  size_t end = slash == NULL ? length : (size_t)(slash - text);
  struct address address;
  if (!address_parse(&address, text, end, false)) return false;
  unsigned bits = 128, skipped = memchr(text, ':', end) == NULL ? 96 : 0;
  if (slash != NULL) {
    size_t digits = parse_number(slash + 1, length - end - 1, 128 - skipped, &bits);
    if (digits == 0 || digits != length - end - 1) return false;
    bits += skipped;
  }
  networks->list[networks->count].address = address;
  networks->list[networks->count++].bits = (uint8_t)bits;
  return true;
}

bool networks_parse(struct networks *networks, const char *list) {
  if (strcmp(list, "none") == 0) return true;
  while (true) {
    size_t length = text_until(list, ',');
    bool private = length == 7 && memcmp(list, "private", 7) == 0;
    if (!(private ? networks_parse(networks, PRIVATE) : add_network(networks, (const uint8_t *)list, length))) return false;
    if (list[length] == '\0') return true;
    list += length + 1;
  }
}

bool networks_have(const struct networks *networks, const struct address *address) {
  for (unsigned i = 0; i < networks->count; i++) {
    unsigned bits = networks->list[i].bits;
    const uint8_t *bytes = networks->list[i].address.bytes;
    if (memcmp(bytes, address->bytes, bits / 8) != 0) continue;
    if (bits % 8 == 0 || (bytes[bits / 8] ^ address->bytes[bits / 8]) >> (8 - bits % 8) == 0) return true;
  }
  return false;
}

bool listen_address_parse(const char *text, struct address *address, bool *any, uint16_t *port) {
  const char *colon = strrchr(text, ':');
  if (colon == NULL) return false;
  size_t host = (size_t)(colon - text);
  unsigned number;
  size_t digits = parse_number((const uint8_t *)colon + 1, strlen(colon + 1), 65535, &number);
  if (digits == 0 || colon[1 + digits] != '\0') return false;
  *port = (uint16_t)number;
  *any = host == 0;
  if (host == 0) return true;
  if (host == 9 && memcmp(text, "localhost", 9) == 0) text = "127.0.0.1";
  bool bracketed = text[0] == '[' && host > 2 && text[host - 1] == ']';
  if (!bracketed && memchr(text, ':', host) != NULL) return false;
  return address_parse(address, (const uint8_t *)text, host, bracketed);
}
