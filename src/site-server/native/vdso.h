/* The kernel's clock without a call of the kernel: vdso(7). */
#pragma once

/* Looks for it in the object that the kernel has mapped. Until then, and if it is not there, `clock_gettime` calls the kernel. */
void vdso_find(const void *object);
