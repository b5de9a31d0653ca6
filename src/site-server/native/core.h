/*
 * The two modules of the core, as wasm2c wrote them. Here alone stand the names that wasm2c makes; here alone is the core's memory turned into
 * pointers, and each address that comes from the core is checked.
 */
#pragma once
#include <stdint.h>
#include <string.h>
#include "answer.h"
#include "build.h"
#include "layout.h"
#include "report.h"

#define ANSWER(name, ...) Z_answerZ_##name(&answer_module, ##__VA_ARGS__)
#define BUILD(name, ...) Z_buildZ_##name(&build_module, ##__VA_ARGS__)

extern Z_answer_instance_t answer_module;
extern Z_build_instance_t build_module;

/* Records and buffers of `answer`. Its memory never moves, so these hold as long as the process. */
extern uint8_t *core_input;
extern const uint8_t *core_request;
extern const uint8_t *core_answer;

/* Makes the module `answer` ready. */
void core_start(void);
/* Makes the module `build` ready, and takes it away again with all of its memory. */
void core_build_start(void);
void core_build_end(void);

/* The core gave back something that cannot be. */
_Noreturn void core_is_wrong(const char *what);

static inline uint8_t *memory_at(const wasm_rt_memory_t *memory, uint32_t address, uint64_t length, const char *what) {
  if (UNLIKELY((uint64_t)address + length > memory->size)) core_is_wrong(what);
  return memory->data + address;
}

/* `length` bytes of the memory of `answer`. */
static inline uint8_t *core_at(uint32_t address, uint64_t length, const char *what) {
  return memory_at(ANSWER(memory), address, length, what);
}

static inline uint8_t *core_build_at(uint32_t address, uint64_t length, const char *what) {
  return memory_at(BUILD(memory), address, length, what);
}

/* Where a pointer into the memory of `answer` lies for the core. */
static inline uint32_t core_address(const uint8_t *pointer) {
  return (uint32_t)(pointer - ANSWER(memory)->data);
}

/* Both machines are little-endian, as the core is. */
#define DEFINE_READ(name, type)                                      \
  static inline type name(const uint8_t *record, uint32_t position) { \
    type value;                                                      \
    memcpy(&value, record + position, sizeof value);                 \
    return value;                                                    \
  }
DEFINE_READ(read_u16, uint16_t)
DEFINE_READ(read_u32, uint32_t)
DEFINE_READ(read_f64, double)
#undef DEFINE_READ

static inline void write_f64(uint8_t *record, uint32_t position, double value) {
  memcpy(record + position, &value, sizeof value);
}

static inline void write_u32(uint8_t *record, uint32_t position, uint32_t value) {
  memcpy(record + position, &value, sizeof value);
}

/* A size or an offset: whole, and exact. */
static inline uint64_t read_size(const uint8_t *record, uint32_t position, const char *what) {
  double value = read_f64(record, position);
  if (UNLIKELY(!(value >= 0 && value <= 9007199254740992.0))) core_is_wrong(what);
  uint64_t whole = (uint64_t)value;
  if (UNLIKELY((double)whole != value)) core_is_wrong(what);
  return whole;
}
