/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle.c - poll that gives memory back; the header is the manual
 *
 * Theory of operation: pages of the program's file are mapped in runs around what was touched, 16 of
 * them (fault-around) or as many as lie in one block of the kernel's cache, so a process that only
 * sleeps still holds most of its code. It is unmapped here. Until the next event only this file's
 * code runs, and of the C library syscall() alone: each other function of it would map one more run.
 * Hence the section: the linker puts it beside the stubs of library calls at the start of the code.
 * These few pages are made mappings of their own, which no run goes beyond.
 */
#include "config.h"

#include "core/base/idle.h"

#include <link.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ASLEEP       __attribute__((noinline, section(".text.hot")))
#define SETTLE_MS    500 /* without an event; before that the memory would soon be used again */
#define STACK_BYTES  (256UL * 1024)
#define FUNCTION_MAX 256 /* bytes of code, at least */
#define RANGES_MAX   64  /* of code and constants, some three an object; what is more stays */

struct range {
	uintptr_t from, len;
};

struct ranges {
	uintptr_t page_mask;
	uintptr_t own_code; /* where the segment with this file's code begins */
	size_t n;
	struct range v[RANGES_MAX];
};

/* Segments that are never written hold what the file holds. */
static int add_ranges(struct dl_phdr_info *o, size_t size, void *arg)
{
	struct ranges *r = arg;

	(void)size;
	for (size_t i = 0; i < o->dlpi_phnum && r->n < RANGES_MAX; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		uintptr_t from = (o->dlpi_addr + p->p_vaddr) & r->page_mask;
		uintptr_t to = o->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		r->v[r->n++] = (struct range){ from, to - from };
		if (from <= (uintptr_t)idle_poll_spare && (uintptr_t)idle_poll_spare < to)
			r->own_code = from;
	}
	return 0;
}

ASLEEP static void drop(uintptr_t from, uintptr_t len)
{
	(void)syscall(SYS_madvise, from, len, MADV_DONTNEED); /* failing costs memory */
}

/* One page below us may be in use. The kernel keeps 1 MiB free below a stack, so nothing else is hit. */
ASLEEP static void drop_stack(long page_size)
{
	char here;
	uintptr_t to = ((uintptr_t)&here & ~((uintptr_t)page_size - 1)) - (uintptr_t)page_size;

	drop(to - STACK_BYTES, STACK_BYTES);
}

/* From @from to the page that @function ends in: whatever is asked for parts the mapping. */
ASLEEP static void set_apart(const struct ranges *r, uintptr_t from, uintptr_t function)
{
	uintptr_t to = (function + FUNCTION_MAX) | ~r->page_mask;

	(void)syscall(SYS_madvise, from & r->page_mask, to + 1 - (from & r->page_mask),
		      MADV_RANDOM);
}

ASLEEP static void shrink(uintptr_t spare, size_t spare_len)
{
	long page_size = sysconf(_SC_PAGESIZE);
	uintptr_t spare_end = (spare + spare_len) & ~((uintptr_t)page_size - 1);
	struct ranges r;

	r.page_mask = ~((uintptr_t)page_size - 1);
	r.n = 0;
	r.own_code = (uintptr_t)drop;
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	(void)dl_iterate_phdr(add_ranges, &r);
	set_apart(&r, r.own_code, (uintptr_t)idle_poll_spare);
	set_apart(&r, (uintptr_t)syscall, (uintptr_t)syscall);
	spare = (spare + (uintptr_t)page_size - 1) & r.page_mask;
	if (spare < spare_end)
		drop(spare, spare_end - spare);
	drop_stack(page_size);
	for (size_t i = 0; i < r.n; i++)
		drop(r.v[i].from, r.v[i].len);
}

ASLEEP static int long_poll(struct pollfd *f, nfds_t n, int timeout_ms)
{
#ifdef SYS_poll /* newer architectures have ppoll only */
	return (int)syscall(SYS_poll, f, n, timeout_ms);
#else
	return poll(f, n, timeout_ms);
#endif
}

ASLEEP int idle_poll_spare(struct pollfd *f, nfds_t n, int timeout_ms, void *spare, size_t len)
{
	int r;

	if (timeout_ms >= 0 && timeout_ms <= SETTLE_MS)
		return poll(f, n, timeout_ms);
	r = poll(f, n, SETTLE_MS);
	if (r != 0)
		return r;
	shrink((uintptr_t)spare, len);
	return long_poll(f, n, timeout_ms < 0 ? -1 : timeout_ms - SETTLE_MS);
}

int idle_poll(struct pollfd *f, nfds_t n, int timeout_ms)
{
	return idle_poll_spare(f, n, timeout_ms, NULL, 0);
}
