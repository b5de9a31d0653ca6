#include <string.h>
#include "clock.h"
#include "core.h"
#include "fuzz.h"
#include "log.h"
#include "metrics.h"
#include "options.h"

void start_core(void) {
  MUST(networks_parse(&trusted_networks, "private"));
  options.site = "fuzz";
  metrics_share(1);
  metrics_use(0);
  log_share();
  core_start();
  clock_tick = 1;
  clock_seconds = 1795521600; /* 24 November 2026, noon */
  ANSWER(setTime, (double)clock_seconds);
}

size_t answer_next(size_t at, size_t length, struct read_head *read) {
  static const struct address proxy = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3}};
  uint32_t input = core_address(core_input);
  int32_t head = (int32_t)ANSWER(parse, input + (uint32_t)at, input + (uint32_t)length);
  if (head == 0) return 0;
  MUST(head >= -599 && head <= (int64_t)(length - at));
  struct reply reply;
  if (head < 0) reply_with_status(&reply, (unsigned)-head);
  else reply_to_request(&reply, false);
  check_reply(read, &reply, head > 0);
  check_log(&proxy, head > 0, &reply);
  return reply.close ? 0 : (size_t)head;
}
