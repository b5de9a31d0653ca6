#include "core.h"

Z_answer_instance_t answer_module;
Z_build_instance_t build_module;
uint8_t *core_input;
const uint8_t *core_request;
const uint8_t *core_answer;

void core_is_wrong(const char *what) {
  fail(EXIT_CORE, "the core gave back what cannot be: ", what, NULL);
}

void core_start(void) {
  wasm_rt_catch_faults();
  Z_answer_init_module();
  Z_answer_instantiate(&answer_module);
  core_input = core_at(ANSWER(input), INPUT_BYTES, "input");
  core_request = core_at(ANSWER(request), REQUEST_SIZE, "request");
  core_answer = core_at(ANSWER(answer), ANSWER_SIZE, "answer");
}

void core_build_start(void) {
  Z_build_init_module();
  Z_build_instantiate(&build_module);
}

void core_build_end(void) {
  Z_build_free(&build_module);
  memset(&build_module, 0, sizeof build_module);
}
