#include "vdso.h"
#include <elf.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef int clock_function(clockid_t, struct timespec *);

#if defined(__x86_64__)
static const char NAME[] = "__vdso_clock_gettime";

/* What others have compiled may want 16 bytes of alignment, which this program does not keep (scripts/site-server/toolchain.ts). */
int call_aligned(clock_function *, clockid_t, struct timespec *);
__asm__(".section .text.call_aligned,\"ax\"\n"
        ".globl call_aligned\n"
        "call_aligned: push %rbp\n"
        "mov %rsp, %rbp\n"
        "and $-16, %rsp\n"
        "mov %rdi, %rax\n"
        "mov %esi, %edi\n"
        "mov %rdx, %rsi\n"
        "call *%rax\n"
        "leave\n"
        "ret\n"
        ".previous\n");
#else
static const char NAME[] = "__kernel_clock_gettime";

static int call_aligned(clock_function *function, clockid_t clock, struct timespec *time) {
  return function(clock, time);
}
#endif

static clock_function *from_kernel;

/* Its table of symbols ends where their names begin: nothing else says how long it is if there is no DT_HASH. */
static void find_symbol(const char *base, const Elf64_Sym *symbols, const char *names) {
  for (; (const char *)symbols < names; symbols++) {
    if (symbols->st_shndx != SHN_UNDEF && strcmp(names + symbols->st_name, NAME) == 0) {
      from_kernel = (clock_function *)(base + symbols->st_value);
    }
  }
}

void vdso_find(const void *object) {
  const Elf64_Ehdr *header = object;
  const char *base = NULL;
  const Elf64_Dyn *dynamic = NULL;
  const Elf64_Phdr *program = (const Elf64_Phdr *)((const char *)object + header->e_phoff);
  for (int i = 0; i < header->e_phnum; i++, program++) {
    if (program->p_type == PT_LOAD) base = (const char *)object + program->p_offset - program->p_vaddr;
    else if (program->p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn *)((const char *)object + program->p_offset);
  }
  if (base == NULL || dynamic == NULL) return;
  const Elf64_Sym *symbols = NULL;
  const char *names = NULL;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    if (dynamic->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym *)(base + dynamic->d_un.d_ptr);
    else if (dynamic->d_tag == DT_STRTAB) names = base + dynamic->d_un.d_ptr;
  }
  if (symbols != NULL && names != NULL) find_symbol(base, symbols, names);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (from_kernel != NULL) return call_aligned(from_kernel, clock, time);
  return (int)syscall(SYS_clock_gettime, clock, time);
}
