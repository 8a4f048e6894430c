/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.c - secrets as files of a container; the header has the threat
 *
 * Files that are to be somewhere else than in /run/secrets are mounts of files in a second ramfs. A copy
 * of a mount can only be made of one that is attached: it lies at /run/secrets first, and then below the
 * one that everybody sees there.
 */
#include "config.h"

#include "core/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/init.h"
#include "core/mnt.h"
#include "core/rootpath.h"

#define PLACE "/run/secrets"

static const uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

static int new_ramfs(struct rl_err *err)
{
	static const struct mnt_opt opts[] = { { "mode", "755" } };

	return mnt_new("ramfs", "secrets", opts, ARRAY_LEN(opts), attrs, err);
}

static int write_file(int dir_fd, const char *name, const struct secret_file *f, struct rl_err *err)
{
	auto_fd int fd =
		openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "secret '%s': create it", f->target);
	r = io_write_all(fd, f->data, f->len);
	if (r == 0 && (fchown(fd, f->uid, f->gid) < 0 || fchmod(fd, f->mode) < 0))
		r = -errno;
	if (r == 0)
		return 0;
	rl_fail_sys(err, -r, "secret '%s'", f->target);
	return r == -EINVAL ? rl_hint(err, "the container has no user %u or group %u",
				      (unsigned)f->uid, (unsigned)f->gid)
			    : r;
}

static int attach_ro(int fd, int place_fd, struct rl_err *err)
{
	int r = mnt_set(fd, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, false);

	if (r == 0)
		r = mnt_attach(fd, place_fd);
	return r < 0 ? rl_fail_sys(err, -r, "mount '" PLACE "'") : 0;
}

/* All that have a place of their own. */
static int put_elsewhere(struct init *in, int place_fd, struct rl_err *err)
{
	const struct secrets *s = in->l->secrets;
	auto_fd int fd = new_ramfs(err);
	int r = fd;

	for (size_t i = 0; r >= 0 && i < s->n_files; i++) {
		char name[24];

		(void)snprintf(name, sizeof(name), "%zu", i);
		if (s->files[i].target[0] == '/')
			r = write_file(fd, name, &s->files[i], err);
	}
	if (r >= 0)
		r = attach_ro(fd, place_fd, err);
	for (size_t i = 0; r >= 0 && i < s->n_files; i++) {
		auto_fd int target = FD_NONE, copy = FD_NONE;
		char name[24];

		if (s->files[i].target[0] != '/')
			continue;
		(void)snprintf(name, sizeof(name), "%zu", i);
		target = rootpath_make(in->root_fd, s->files[i].target, false, err);
		if (target < 0)
			return rl_wrap(err, "secret '%s'", s->files[i].target);
		copy = mnt_clone(fd, name, false);
		r = copy < 0 ? copy : mnt_attach(copy, target);
		if (r < 0)
			return rl_fail_sys(err, -r, "mount secret '%s'", s->files[i].target);
	}
	return r < 0 ? r : 0;
}

int secrets_mount(struct init *in, struct rl_err *err)
{
	const struct secrets *s = in->l->secrets;
	auto_fd int place = FD_NONE, fd = FD_NONE, top = FD_NONE;
	bool elsewhere = false;
	int r = 0;

	if (!s || s->n_files == 0)
		return 0;
	for (size_t i = 0; i < s->n_files; i++)
		elsewhere |= s->files[i].target[0] == '/';
	place = rootpath_make(in->root_fd, PLACE, true, err);
	if (place < 0)
		return rl_wrap(err, "secrets");
	if (elsewhere)
		r = put_elsewhere(in, place, err);
	if (r < 0)
		return r;
	fd = new_ramfs(err);
	r = fd;
	for (size_t i = 0; r >= 0 && i < s->n_files; i++)
		if (s->files[i].target[0] != '/')
			r = write_file(fd, s->files[i].target, &s->files[i], err);
	if (r < 0)
		return r;
	top = elsewhere ? rootpath_open(in->root_fd, PLACE, O_PATH | O_DIRECTORY, err) : FD_NONE;
	if (elsewhere && top < 0)
		return top;
	r = attach_ro(fd, elsewhere ? top : place, err);
	/* our copy of the memory; the monitor has its own, for the next start */
	for (size_t i = 0; i < s->n_files; i++)
		explicit_bzero(s->files[i].data, s->files[i].len);
	return r;
}

void secrets_wipe(struct secrets *s)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (s->files[i].data)
			explicit_bzero(s->files[i].data, s->files[i].len);
	for (size_t i = 0; i < s->n_env; i++)
		if (s->env[i])
			explicit_bzero(s->env[i], strlen(s->env[i]));
}

void secrets_done(struct secrets *s)
{
	secrets_wipe(s);
	for (size_t i = 0; i < s->n_files; i++) {
		free(s->files[i].target);
		free(s->files[i].data);
	}
	for (size_t i = 0; i < s->n_env; i++)
		free(s->env[i]);
	free(s->files);
	free(s->env);
	*s = (struct secrets){ 0 };
}
