/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failmalloc.c - for LD_PRELOAD: the n-th allocation of a process fails
 *
 *	FAILMALLOC_N=n		counted from its start, children go on where their parent was; 0 = none
 *	FAILMALLOC_COUNT=FILE	at exit: how many there were
 *
 * A shared object of its own, built by the script that needs it. glibc's own malloc does the work.
 * Accounts are looked up without failures: glibc 2.36 crashes where it cannot load its tables
 * (nss_database_check_reload_and_get).
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static unsigned long calls, fail_at = (unsigned long)-1;
static int spared;

static int fails(void)
{
	if (fail_at == (unsigned long)-1) {
		const char *s = getenv("FAILMALLOC_N");

		fail_at = 0;
		for (; s && *s >= '0' && *s <= '9'; s++)
			fail_at = fail_at * 10 + (unsigned long)(*s - '0');
	}
	if (spared || ++calls != fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

struct passwd *getpwuid(uid_t uid)
{
	struct passwd *(*real)(uid_t);
	struct passwd *p;

	*(void **)&real = dlsym(RTLD_NEXT, "getpwuid");
	spared++;
	p = real(uid);
	spared--;
	return p;
}

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *);
	struct passwd *p;

	*(void **)&real = dlsym(RTLD_NEXT, "getpwnam");
	spared++;
	p = real(name);
	spared--;
	return p;
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("FAILMALLOC_COUNT");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fprintf(f, "%lu\n", calls);
	fclose(f);
}
