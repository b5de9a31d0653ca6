/* Tags (the part of an ETag that names the content) of files. */
#pragma once
#include <stdint.h>
#include <sys/stat.h>

/* 128 bits of SipHash-2-4, https://131002.net/siphash/, over pieces. */
struct hash {
  uint64_t state[4];
  uint64_t rest; /* bytes that are no whole word yet */
  uint64_t length;
};

void hash_start(struct hash *);
void hash_add(struct hash *, const void *bytes, uint64_t length);
/* Ends the hash, and writes it as 22 characters of base64url. */
void hash_tag(struct hash *, uint8_t *tag);
