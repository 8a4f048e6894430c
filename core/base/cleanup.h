/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.h - release at the end of a scope, and giving away in plain sight
 *
 *	auto_fd int fd = FD_NONE;
 *	auto_free char *s = NULL;
 *	...
 *	*ret_fd = TAKE_FD(fd);
 *	return 0;
 *
 * Every release keeps errno and accepts the empty value.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FD_NONE (-EBADF) /* a forgotten check fails loudly instead of hitting stdin */

static inline void fd_close(int fd)
{
	int e = errno;

	if (fd >= 0)
		(void)close(fd); /* EINTR counts as closed on Linux; never retry */
	errno = e;
}

static inline void cleanup_fd(int *fd)
{
	fd_close(*fd);
	*fd = FD_NONE;
}

static inline void cleanup_free(void *p)
{
	int e = errno;

	free(*(void **)p);
	errno = e;
}

static inline void cleanup_file(FILE **f)
{
	int e = errno;

	if (*f)
		(void)fclose(*f);
	*f = NULL;
	errno = e;
}

static inline void cleanup_dir(DIR **d)
{
	int e = errno;

	if (*d)
		(void)closedir(*d);
	*d = NULL;
	errno = e;
}

#define auto_fd   __attribute__((cleanup(cleanup_fd)))
#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_file __attribute__((cleanup(cleanup_file)))
#define auto_dir  __attribute__((cleanup(cleanup_dir)))

#define TAKE_FD(fd)                        \
	__extension__({                    \
		int *take_fd_ = &(fd);     \
		int take_was_ = *take_fd_; \
		*take_fd_ = FD_NONE;       \
		take_was_;                 \
	})
#define TAKE_PTR(p)                                   \
	__extension__({                               \
		__typeof__(p) *take_ptr_ = &(p);      \
		__typeof__(p) take_was_ = *take_ptr_; \
		*take_ptr_ = NULL;                    \
		take_was_;                            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
