#include "options.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report.h"

struct options options = {
    .root_dir = "/www",
    .index_filename = "index.html",
    .not_found_filename = "404.html",
    .health_url = "/health",
    .metrics_url = "/metrics",
    .workers = 1,
    .shutdown_timeout = 4,
};

struct networks trusted_networks;
static const char *trusted_proxies = "private";

enum kind { TEXT, SWITCH, NUMBER, HELP, VERSION };

static const struct {
  const char *name;
  void *target;
  enum kind kind;
  uint32_t most; /* of a number */
} known[] = {
    {"listen-addr", &options.listen_addr, TEXT, 0},
    {"root-dir", &options.root_dir, TEXT, 0},
    {"index-filename", &options.index_filename, TEXT, 0},
    {"not-found-filename", &options.not_found_filename, TEXT, 0},
    {"health-url", &options.health_url, TEXT, 0},
    {"metrics-url", &options.metrics_url, TEXT, 0},
    {"no-metrics", &options.no_metrics, SWITCH, 0},
    {"no-request-logging", &options.no_request_logging, SWITCH, 0},
    {"serve-hidden", &options.serve_hidden, SWITCH, 0},
    {"clean-urls", &options.clean_urls, SWITCH, 0},
    {"fallback", &options.fallback, TEXT, 0},
    {"cache-control", &options.cache_control, TEXT, 0},
    {"cache-control-immutable", &options.cache_control_immutable, TEXT, 0},
    {"trusted-proxies", &trusted_proxies, TEXT, 0},
    {"watch", &options.watch, SWITCH, 0},
    {"workers", &options.workers, NUMBER, 64},
    {"shutdown-timeout", &options.shutdown_timeout, NUMBER, 3600},
    {"help", NULL, HELP, 0},
    {"version", NULL, VERSION, 0},
};

static const char HELP_TEXT[] =
    "Serves the files of a folder over HTTP.\n\n"
    "  -root-dir DIR            what to serve (/www)\n"
    "  -listen-addr ADDR        HOST:PORT or :PORT (port NOMAD_PORT_http, or 3000)\n"
    "  -index-filename NAME     answers for its folder (index.html)\n"
    "  -not-found-filename NAME the page for what does not exist (404.html)\n"
    "  -fallback NAME           answers every path without a file: single-page sites\n"
    "  -clean-urls              /about is answered with about.html\n"
    "  -serve-hidden            also files whose names begin with a dot\n"
    "  -cache-control VALUE     of pages (no-cache)\n"
    "  -cache-control-immutable VALUE  of names with a hash\n"
    "                           (public, max-age=31536000, immutable)\n"
    "  -watch                   notice changes of the folder\n"
    "  -health-url PATH         answers 204 (/health)\n"
    "  -metrics-url PATH        for Prometheus (/metrics)\n"
    "  -no-metrics\n"
    "  -no-request-logging\n"
    "  -trusted-proxies LIST    whose X-Forwarded-For is believed: networks,\n"
    "                           private, none (private)\n"
    "  -workers N               processes that serve (1)\n"
    "  -shutdown-timeout SECONDS (4)\n"
    "  -version\n\n"
    "One dash or two, -flag value or -flag=value. STATIGO_SITE is the label `site` of\n"
    "the metrics. SIGHUP reads the folder again.\n";

static _Noreturn void print(const char *text) {
  size_t length = strlen(text);
  while (length > 0) {
    ssize_t written = write(STDOUT_FILENO, text, length);
    if (written <= 0) _exit(EXIT_FAILED);
    text += written;
    length -= (size_t)written;
  }
  _exit(0);
}

static _Noreturn void misunderstood(const char *what, const char *name) {
  fail(EXIT_USAGE, what, name, "; --help lists the flags", NULL);
}

static uint32_t parse_number(const char *name, const char *value, uint32_t most) {
  uint64_t number = 0;
  const char *at = value;
  while (*at >= '0' && *at <= '9' && number <= most) number = number * 10 + (uint64_t)(*at++ - '0');
  if (at == value || *at != '\0' || number > most) misunderstood("not a number that fits: -", name);
  return (uint32_t)number;
}

/* As Go's package flag has it: without `=` a switch is on, and takes no value from the next argument. */
static bool parse_switch(const char *name, const char *value) {
  if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) return true;
  if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0) return false;
  misunderstood("neither true nor false: -", name);
}

/* Sets one flag, and returns how many arguments that took. */
static int read_flag(char **arguments) {
  const char *name = arguments[0] + (arguments[0][1] == '-' ? 2 : 1);
  size_t length = text_until(name, '=');
  const char *value = name[length] == '=' ? name + length + 1 : NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strlen(known[i].name) != length || memcmp(known[i].name, name, length) != 0) continue;
    if (known[i].kind == HELP) print(HELP_TEXT);
    if (known[i].kind == VERSION) print("steppe-static " STEPPE_VERSION "\n");
    if (known[i].kind == SWITCH) {
      *(bool *)known[i].target = parse_switch(name, value);
      return 1;
    }
    int taken = value == NULL ? 2 : 1;
    if (value == NULL) value = arguments[1];
    if (value == NULL) misunderstood("a value is missing: -", name);
    if (known[i].kind == NUMBER) {
      *(uint32_t *)known[i].target = parse_number(known[i].name, value, known[i].most);
    } else {
      *(const char **)known[i].target = value;
    }
    return taken;
  }
  misunderstood("there is no such flag: -", name);
}

static const char *environment(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? otherwise : value;
}

/* A URL that the server answers itself: empty turns it off. */
static void check_path(const char *name, const char *path) {
  if (*path != '\0' && *path != '/') misunderstood("a path begins with a slash: -", name);
}

void options_read(char **arguments) {
  options.site = environment("STATIGO_SITE", "notset");
  static char by_port[16];
  struct text text = text_in(by_port, sizeof by_port - 1);
  text_string(&text, ":");
  text_string(&text, environment("NOMAD_PORT_http", "3000"));
  options.listen_addr = by_port;
  while (*arguments != NULL) {
    if ((*arguments)[0] != '-' || (*arguments)[1] == '\0') misunderstood("not a flag: ", *arguments);
    arguments += read_flag(arguments);
  }
  check_path("health-url", options.health_url);
  check_path("metrics-url", options.metrics_url);
  if (options.workers == 0) misunderstood("at least one is needed: -", "workers");
  if (!networks_parse(&trusted_networks, trusted_proxies)) misunderstood("not a list of networks: -", "trusted-proxies");
  if (!listen_address_parse(options.listen_addr, &options.address, &options.any_address, &options.port)) {
    misunderstood("not HOST:PORT: ", options.listen_addr);
  }
}
