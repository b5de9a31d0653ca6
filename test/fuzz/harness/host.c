/* The native host's own parsers and writers. The first byte says which: see `parts`. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "core.h"
#include "fuzz.h"
#include "log.h"
#include "options.h"

static struct options defaults;

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count, (void)arguments;
  start_core();
  defaults = options;
  trusted_networks.count = 0;
  return 0;
}

/* Arguments, with zeros between. */
static void try_options(char *text, size_t length) {
  /* The first sets what options.c keeps from one run to the next. */
  static char first[] = "-trusted-proxies=private";
  char *arguments[66] = {first};
  size_t count = 1;
  for (size_t at = 0; at < length && count < 65; at += strlen(text + at) + 1) arguments[count++] = text + at;
  options = defaults;
  jmp_buf here;
  refusal = &here;
  bool refused = setjmp(here) != 0;
  if (!refused) options_read(arguments);
  refusal = NULL;
  if (!refused) {
    MUST(options.workers >= 1 && options.workers <= 64 && options.shutdown_timeout <= 3600);
    MUST(trusted_networks.count <= NETWORKS_MOST);
    MUST(*options.health_url == '\0' || *options.health_url == '/');
    MUST(options.root_dir != NULL && options.index_filename != NULL && options.metrics_url != NULL);
  }
  options = defaults;
  trusted_networks.count = 0;
}

/* As the C library reads it, but that nothing of IPv4 is read as something else. */
static bool expected_address(struct address *address, const char *text) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  memcpy(address->bytes, mapped, sizeof mapped);
  return inet_pton(AF_INET, text, address->bytes + 12) == 1 || inet_pton(AF_INET6, text, address->bytes) == 1;
}

static void try_address(char *text, size_t length) {
  struct address address, expected, again;
  if (strlen(text) != length) return;
  bool is_one = address_parse(&address, (const uint8_t *)text, length, false);
  MUST(is_one == expected_address(&expected, text));
  struct address ignored;
  address_parse(&ignored, (const uint8_t *)text, length, true);
  bool any;
  uint16_t port;
  listen_address_parse(text, &ignored, &any, &port);
  if (!is_one) return;
  MUST(memcmp(&address, &expected, sizeof address) == 0);
  char written[64];
  struct text into = text_in(written, sizeof written - 1);
  address_write(&into, &address);
  *into.at = '\0';
  MUST(!into.full && expected_address(&again, written) && memcmp(&address, &again, sizeof address) == 0);
}

static bool bit_of(const struct address *address, unsigned bit) {
  return (address->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/* 16 bytes of an address, and a list of networks. */
static void try_networks(char *text, size_t length) {
  if (length < 16) return;
  struct address address;
  memcpy(&address, text, sizeof address);
  struct networks networks = {0};
  if (!networks_parse(&networks, text + 16)) return;
  MUST(networks.count <= NETWORKS_MOST);
  bool has = false;
  for (unsigned i = 0; i < networks.count; i++) {
    unsigned bits = networks.list[i].bits, same = 0;
    MUST(bits <= 128);
    while (same < bits && bit_of(&address, same) == bit_of(&networks.list[i].address, same)) same++;
    has |= same == bits;
  }
  MUST(has == networks_have(&networks, &address));
}

/* 16 bytes of the peer's address, and the head of a request. */
static void try_log(char *text, size_t length) {
  if (length < 16 || length > INPUT_BYTES) return;
  struct address peer;
  memcpy(&peer, text, sizeof peer);
  length -= 16;
  memcpy(core_input, text + 16, length);
  uint32_t input = core_address(core_input);
  int32_t head = (int32_t)ANSWER(parse, input, input + (uint32_t)length);
  if (head == 0) return;
  struct reply reply = {.status = 200, .body_bytes = length};
  MUST(networks_parse(&trusted_networks, "private"));
  check_log(&peer, head > 0, &reply);
  if (head > 0 && !networks_have(&trusted_networks, &peer)) {
    /* Whoever is no proxy of ours is logged as who it is. */
    char line[LOG_LINE_MOST], name[64];
    struct text written = text_in(line, sizeof line), alone = text_in(name, sizeof name);
    log_before_bytes(&written, &peer, true, 200);
    address_write(&alone, &peer);
    size_t bytes = (size_t)(alone.at - name);
    MUST(memcmp(line, name, bytes) == 0 && line[bytes] == ' ');
  }
  trusted_networks.count = 0;
}

/* A size of a buffer, and what is written into it escaped; and a time, in a line of the log. */
static void try_text(char *text, size_t length) {
  if (length < 4) return;
  uint32_t number;
  memcpy(&number, text, sizeof number);
  size_t room = number % 64;
  char *written = malloc(room + 1);
  struct text into = text_in(written, room);
  text_escaped(&into, (const uint8_t *)text + 4, length - 4);
  MUST(into.at <= into.end);
  for (const char *at = written; at < into.at; at++) {
    MUST(*at >= ' ' && *at <= '~' && *at != '"');
    if (*at == '\\') MUST(into.at - at >= 4 && at[1] == 'x');
  }
  free(written);
  char line[128], expected[128];
  struct text begin = text_in(line, sizeof line);
  time_t seconds = number;
  clock_seconds = seconds;
  ANSWER(setTime, (double)seconds);
  log_before_bytes(&begin, &(struct address){{0}}, false, 400);
  struct tm parts;
  size_t bytes = strftime(expected, sizeof expected, ":: - - [%d/%b/%Y:%H:%M:%S +0000] \"-\" 400 ", gmtime_r(&seconds, &parts));
  MUST(bytes == (size_t)(begin.at - line) && memcmp(line, expected, bytes) == 0);
}

static void (*const parts[])(char *, size_t) = {try_options, try_address, try_networks, try_log, try_text};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  /* A copy that ends with a zero, as the strings of the system do. */
  char *text = malloc(size);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  parts[data[0] % (sizeof parts / sizeof *parts)](text, size - 1);
  free(text);
  return 0;
}
