/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle.c - poll that gives memory back; the header is the manual
 *
 * Theory of operation: pages of the program's file are mapped in runs of 16 around what was touched
 * (fault-around), so a process that only sleeps still holds most of its code. It is unmapped here;
 * until the next event only this file's code runs. Hence the section: the linker puts it beside
 * the stubs of library calls at the start of the code, and one run of pages holds all of it.
 */
#include "config.h"

#include "core/base/idle.h"

#include <link.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define ASLEEP      __attribute__((noinline, section(".text.hot")))
#define SETTLE_MS   500 /* without an event; before that the memory would soon be used again */
#define STACK_BYTES (256UL * 1024)

/*
 * Segments that are never written hold what the file holds. Last to first: the first has the table
 * that is read here, which would map it again. So nothing of the table is read after that.
 */
ASLEEP static int drop_code(struct dl_phdr_info *o, size_t size, void *page_size)
{
	const uintptr_t mask = ~((uintptr_t) * (const long *)page_size - 1);

	(void)size;
	for (size_t i = o->dlpi_phnum; i-- > 0;) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		uintptr_t from = (o->dlpi_addr + p->p_vaddr) & mask;
		uintptr_t to = o->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		(void)madvise((void *)from, to - from, MADV_DONTNEED); /* failing costs memory */
		if (from <= (uintptr_t)o->dlpi_phdr)
			break;
	}
	return 0;
}

/* One page below us may be in use. The kernel keeps 1 MiB free below a stack, so nothing else is hit. */
ASLEEP static void drop_stack(long page_size)
{
	char here;
	uintptr_t to = ((uintptr_t)&here & ~((uintptr_t)page_size - 1)) - (uintptr_t)page_size;

	(void)madvise((void *)(to - STACK_BYTES), STACK_BYTES, MADV_DONTNEED);
}

ASLEEP void idle_shrink(void)
{
	long page_size = sysconf(_SC_PAGESIZE);

#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	drop_stack(page_size);
	(void)dl_iterate_phdr(drop_code, &page_size);
}

ASLEEP int idle_poll(struct pollfd *f, nfds_t n, int timeout_ms)
{
	int r;

	if (timeout_ms >= 0 && timeout_ms <= SETTLE_MS)
		return poll(f, n, timeout_ms);
	r = poll(f, n, SETTLE_MS);
	if (r != 0)
		return r;
	idle_shrink();
	return poll(f, n, timeout_ms < 0 ? -1 : timeout_ms - SETTLE_MS);
}
