/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tarout.c - any entries: what the tar writer says is what the tar reader understands */
#include "config.h"

#include <archive_entry.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "storage/image/tarin.h"
#include "storage/tarout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p;
	size_t n;
};

static uint64_t number(struct input *in, int bytes)
{
	uint64_t v = 0;

	for (; bytes > 0 && in->n > 0; bytes--, in->n--)
		v = v << 8 | *in->p++;
	return v;
}

/* A relative path of @room bytes at most, of any bytes that one may have */
static void text(struct input *in, char *to, size_t room)
{
	size_t n = number(in, 2) % (room - 1) + 1;

	for (size_t i = 0; i < n; i++) {
		to[i] = (char)number(in, 1);
		if (to[i] == '\0' || to[i] == '/' || (signed char)to[i] < 0x20)
			to[i] = 'a' + (char)(i % 26);
	}
	to[n] = '\0';
}

struct sample {
	struct tarout_entry e;
	char path[600], link[600], value[300];
	struct tarout_xattr x;
};

static void sample(struct input *in, struct sample *s)
{
	static const enum tarout_type types[] = { TAROUT_FILE,     TAROUT_DIR,  TAROUT_SYMLINK,
						  TAROUT_HARDLINK, TAROUT_FIFO, TAROUT_CHAR };

	s->e = (struct tarout_entry){ .type = types[number(in, 1) % 6], .path = s->path };
	text(in, s->path, sizeof(s->path));
	text(in, s->link, sizeof(s->link));
	if (s->e.type == TAROUT_SYMLINK || s->e.type == TAROUT_HARDLINK)
		s->e.link = s->link;
	s->e.mode = number(in, 2) & 07777;
	s->e.uid = (uint32_t)number(in, 4);
	s->e.gid = (uint32_t)number(in, 4);
	s->e.mtime.tv_sec = (time_t)(int32_t)number(in, 4);
	s->e.mtime.tv_nsec = s->e.mtime.tv_sec < 0 ? 0 : (long)(number(in, 4) % 1000000000);
	if (s->e.type == TAROUT_FILE)
		s->e.size = (int64_t)(number(in, 2) % 2000);
	s->x = (struct tarout_xattr){ "user.any", s->value, number(in, 2) % sizeof(s->value) };
	for (size_t i = 0; i < s->x.len; i++)
		s->value[i] = (char)number(in, 1);
	if (s->x.len > 0 && (s->e.type == TAROUT_FILE || s->e.type == TAROUT_DIR)) {
		s->e.xattrs = &s->x;
		s->e.n_xattrs = 1;
	}
}

static void check_xattr(struct archive_entry *got, const struct sample *s)
{
	const char *name;
	const void *value;
	size_t n;

	assert(archive_entry_xattr_reset(got) == (int)s->e.n_xattrs);
	if (s->e.n_xattrs == 0)
		return;
	assert(archive_entry_xattr_next(got, &name, &value, &n) == 0);
	assert(strcmp(name, "user.any") == 0 && n == s->x.len);
	assert(memcmp(value, s->value, n) == 0);
}

static void check(struct archive_entry *got, const struct sample *s)
{
	const struct tarout_entry *e = &s->e;
	const char *name = archive_entry_pathname(got);
	const char *link = e->type == TAROUT_HARDLINK ? archive_entry_hardlink(got)
						      : archive_entry_symlink(got);
	size_t n = strlen(e->path);

	assert(name && strncmp(name, e->path, n) == 0);
	assert(strcmp(name + n, e->type == TAROUT_DIR ? "/" : "") == 0);
	assert(!e->link || (link && strcmp(link, e->link) == 0));
	assert(archive_entry_uid(got) == e->uid && archive_entry_gid(got) == e->gid);
	assert((archive_entry_perm(got) & 07777) == e->mode);
	assert(archive_entry_mtime(got) * 1000000000 + archive_entry_mtime_nsec(got) ==
	       e->mtime.tv_sec * 1000000000 + e->mtime.tv_nsec);
	assert(archive_entry_size(got) == e->size);
	check_xattr(got, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tarout t;
	static struct sample s[8];
	static const char zeros[2000];
	struct input in = { data, size };
	auto_fd int fd = memfd_create("tar", MFD_CLOEXEC);
	struct archive_entry *got;
	struct tarin *tar = NULL;
	struct rl_err err = { 0 };
	size_t n = 0;

	assert(fd >= 0);
	tarout_init(&t, tarout_to_fd, &fd);
	for (; n < ARRAY_LEN(s) && in.n > 0; n++) {
		sample(&in, &s[n]);
		assert(tarout_entry(&t, &s[n].e, &err) == 0);
		assert(tarout_data(&t, zeros, (size_t)s[n].e.size, &err) == 0);
	}
	assert(tarout_end(&t, &err) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	assert(tarin_open(fd, INT64_MAX, &tar, &err) == 0);
	for (size_t i = 0; i < n; i++) {
		assert(tarin_next(tar, &got, &err) == 1);
		check(got, &s[i]);
	}
	assert(tarin_next(tar, &got, &err) == 0);
	tarin_free(tar);
	return 0;
}
