/*
 * What the C that wasm2c (wabt 1.0.32) writes needs of a run-time, wherever it runs: the host has it through its wasm-rt.h, the fuzzers through theirs, which say
 * besides how memory is had. The modules of the core import nothing and call nothing indirectly, so that there is nothing but names for tables.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define wasm_rt_memcpy __builtin_memcpy

/* Every access is checked by the code: see scripts/site-server/adapt-generated.ts for the host's. */
#define WASM_RT_MEMCHECK_SIGNAL_HANDLER 0
/* The core does not recurse. */
#define WASM_RT_USE_STACK_DEPTH_COUNT 0

typedef enum {
  WASM_RT_TRAP_NONE,
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INVALID_CONVERSION,
  WASM_RT_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT,
} wasm_rt_trap_t;

typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_FUNCREF, WASM_RT_EXTERNREF } wasm_rt_type_t;

typedef struct {
  uint8_t *data; /* never moves while the memory lives */
  uint32_t pages, max_pages;
  uint64_t size; /* bytes */
} wasm_rt_memory_t;

/* Tables: named by code that every module gets, used by none. */
typedef void (*wasm_rt_function_ptr_t)(void);
typedef struct {
  uint32_t func_type;
  wasm_rt_function_ptr_t func;
  void *module_instance;
} wasm_rt_funcref_t;
typedef void *wasm_rt_externref_t;
typedef struct {
  wasm_rt_funcref_t *data;
  uint32_t max_size, size;
} wasm_rt_funcref_table_t;
typedef struct {
  wasm_rt_externref_t *data;
  uint32_t max_size, size;
} wasm_rt_externref_table_t;
#define wasm_rt_externref_null_value NULL
#define wasm_rt_register_func_type(...) 0
#define wasm_rt_is_initialized() true

_Noreturn void wasm_rt_trap(wasm_rt_trap_t);
/* From now on an access where no memory is is a trap. */
void wasm_rt_catch_faults(void);
/* Returns the pages that there were, or 0xffffffff if it cannot grow so far. */
uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *, uint32_t pages);
void wasm_rt_free_memory(wasm_rt_memory_t *);
