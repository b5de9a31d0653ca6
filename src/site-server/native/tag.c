#include "tag.h"
#include <string.h>

static uint64_t rotate(uint64_t word, int bits) {
  return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t *v, int count) {
  while (count-- > 0) {
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
  }
}

static void add_word(struct hash *hash, uint64_t word) {
  hash->state[3] ^= word;
  rounds(hash->state, 2);
  hash->state[0] ^= word;
}

/* With a key of zeros: it names content, it keeps no secret, so that every copy of a site gives the same tags. */
void hash_start(struct hash *hash) {
  *hash = (struct hash){
      .state = {0x736f6d6570736575, 0x646f72616e646f6d ^ 0xee, 0x6c7967656e657261, 0x7465646279746573},
  };
}

void hash_add(struct hash *hash, const void *bytes, uint64_t length) {
  const uint8_t *at = bytes;
  const uint8_t *end = at + length;
  while (at < end) {
    unsigned filled = hash->length % 8;
    if (filled == 0 && end - at >= 8) {
      uint64_t word;
      memcpy(&word, at, 8);
      add_word(hash, word);
      at += 8;
      hash->length += 8;
      continue;
    }
    hash->rest |= (uint64_t)*at++ << 8 * filled;
    hash->length++;
    if (filled == 7) {
      add_word(hash, hash->rest);
      hash->rest = 0;
    }
  }
}

static uint64_t half(const struct hash *hash) {
  return hash->state[0] ^ hash->state[1] ^ hash->state[2] ^ hash->state[3];
}

void hash_tag(struct hash *hash, uint8_t *tag) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint64_t halves[2];
  add_word(hash, hash->rest | hash->length << 56);
  hash->state[2] ^= 0xee;
  rounds(hash->state, 4);
  halves[0] = half(hash);
  hash->state[1] ^= 0xdd;
  rounds(hash->state, 4);
  halves[1] = half(hash);
  uint8_t bytes[18] = {0};
  memcpy(bytes, halves, 16);
  for (int i = 0; i < 22; i++) {
    const uint8_t *three = bytes + i / 4 * 3;
    uint32_t group = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
    tag[i] = (uint8_t)digits[group >> (18 - 6 * (i % 4)) & 63];
  }
}
