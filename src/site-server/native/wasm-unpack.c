#include "wasm-rt.h"

static uint32_t read_number(const uint8_t *bytes, unsigned count) {
  uint32_t number = 0;
  while (count-- > 0) number = number << 8 | bytes[count];
  return number;
}

/* What it reads was packed when the program was built; what it writes is within the first pages, or a fault. */
void wasm_rt_unpack(wasm_rt_memory_t *memory, const uint8_t *packed, size_t length) {
  const uint8_t *end = packed + length;
  uint8_t *at = memory->data;
  while (packed < end) {
    uint32_t gap = *packed++;
    at += gap;
    if (gap == 255) at = memory->data + read_number(packed, 3), packed += 3;
    uint32_t kind = *packed++, count = kind & 127, stride = 1 + (kind >> 7);
    if (count == 127) count = read_number(packed, 2), packed += 2;
    if (stride == 2) {
      memcpy(at, &(uint32_t){2 * count}, 4);
      at += 4;
    }
    for (; count > 0; count--, at += stride) *at = *packed++;
  }
}
