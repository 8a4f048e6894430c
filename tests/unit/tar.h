/* SPDX-License-Identifier: Apache-2.0 */
/* tar.h - small tars in memory for unit tests, through libarchive's writer */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>

#include "tests/unit/unit.h"

struct tar {
	struct archive *a;
	int fd;
};

static inline struct tar tar_begin(void)
{
	struct tar t = { .a = archive_write_new(), .fd = memfd_create("tar", MFD_CLOEXEC) };

	assert_non_null(t.a);
	assert_true(t.fd >= 0);
	assert_int_equal(archive_write_set_format_pax(t.a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_fd(t.a, t.fd), ARCHIVE_OK);
	return t;
}

/* @text: content of a file, target of a symlink; with type 0 the target of a hard link */
static inline void tar_add(struct tar *t, unsigned type, const char *name, unsigned mode,
			   const char *text)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type ? type : AE_IFREG);
	archive_entry_set_perm(e, (mode_t)mode);
	archive_entry_set_mtime(e, 1000000000, 5);
	archive_entry_set_size(e, type == AE_IFREG ? (la_int64_t)strlen(text) : 0);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(e, text);
	if (type == 0)
		archive_entry_set_hardlink(e, text);
	assert_int_equal(archive_write_header(t->a, e), ARCHIVE_OK);
	if (type == AE_IFREG)
		assert_int_equal(archive_write_data(t->a, text, strlen(text)), strlen(text));
	archive_entry_free(e);
}

/* The tar, to be read from its start; the caller closes it. */
static inline int tar_end(struct tar *t)
{
	assert_int_equal(archive_write_free(t->a), ARCHIVE_OK);
	assert_int_equal(lseek(t->fd, 0, SEEK_SET), 0);
	return t->fd;
}
