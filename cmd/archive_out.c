/* SPDX-License-Identifier: Apache-2.0 */
/* archive_out.c - archives and folders of images; the header is the manual */
#include "config.h"

#include "cmd/archive_out.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/fetch_out.h"
#include "storage/ref.h"

/* A folder that is there: an OCI layout takes more images, and an empty one anything. */
static int check_folder(int fd, const char *output, const char *format, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	auto_fd int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;

	if (strcmp(format, "oci-dir") == 0 && io_exists(fd, "oci-layout") &&
	    io_exists(fd, "index.json"))
		return 0;
	d = again < 0 ? NULL : fdopendir(again);
	if (!d)
		return rl_fail_sys(err, errno, "read folder '%s'", output);
	TAKE_FD(again);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			rl_fail(err, EEXIST, "folder '%s' is there and not empty", output);
			return rl_hint(err, "name an empty one, one that is not there yet, or for "
					    "oci-dir one with an OCI layout in it");
		}
	return 0;
}

static int save_to_folder(const struct rl *rl, const struct strv *ids, const char *format,
			  const char *output, bool quiet, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	bool ours;

	if (!output)
		return rl_fail(err, EINVAL, "a folder is written: name it with --output");
	ours = mkdir(output, 0777) == 0;
	if (!ours && errno != EEXIST)
		return rl_fail_sys(err, errno, "create folder '%s'", output);
	fd = open(output, O_RDONLY | O_DIRECTORY | (ours ? O_NOFOLLOW : 0) | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open folder '%s'", output);
	if (!ours && check_folder(fd, output, format, err) < 0)
		return -err->code;
	if (fetch_save(rl, ids, format, quiet, fd, err) < 0) {
		struct rl_err ignored;

		if (ours) /* half done */
			RL_IGNORE(io_remove_tree(AT_FDCWD, output, &ignored));
		return -err->code;
	}
	return 0;
}

/* Pipes and devices are written to as they are, files by way of a new one beside them. */
static int save_to_file(const struct rl *rl, const struct strv *ids, const char *format,
			const char *output, bool quiet, struct rl_err *err)
{
	auto_free char *tmp = NULL;
	auto_fd int fd = FD_NONE;
	struct stat st;
	char tag[17];
	int r;

	if (stat(output, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(output, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return rl_fail_sys(err, errno, "open '%s'", output);
		return fetch_save(rl, ids, format, quiet, fd, err);
	}
	rand_hex(tag, 8);
	tmp = str_printf("%s.tmp-%s", output, tag);
	if (!tmp)
		return rl_oom(err);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return rl_fail_sys(err, errno, "create '%s'", output);
	r = fetch_save(rl, ids, format, quiet, fd, err);
	if (r == 0 && rename(tmp, output) < 0)
		r = rl_fail_sys(err, errno, "rename to '%s'", output);
	if (r < 0)
		(void)unlink(tmp); /* the cause is in err */
	return r;
}

int archive_out(const struct rl *rl, const struct strv *ids, const char *format, const char *output,
		bool quiet, struct rl_err *err)
{
	size_t n = strlen(format);

	if (n > 4 && strcmp(format + n - 4, "-dir") == 0)
		return save_to_folder(rl, ids, format, output, quiet, err);
	return save_to_file(rl, ids, format, output, quiet, err);
}

/* --- places as transports --- */

static const struct {
	const char *prefix, *format;
	bool named; /* a name may stand behind the path */
} transports[] = {
	{ "docker-archive:", "docker-archive", true },
	{ "oci-archive:", "oci-archive", true },
	{ "oci:", "oci-dir", true },
	{ "dir:", "docker-dir", false },
};

/* "ID NAME" as fetch_save() takes it; @name: behind the path, or the image's own. */
static int add_entry(struct strv *ids, const struct image *img, const char *format,
		     const char *name, struct rl_err *err)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *full = NULL;

	if (!name || !*name)
		name = img->name && !strchr(img->name, '@') ? img->name : NULL;
	if (name && strcmp(format, "docker-archive") == 0) {
		if (ref_parse(name, strlen(name), &ref, err) < 0)
			return -err->code;
		if (ref.digest)
			return rl_fail(err, EINVAL, "'%s': archives name by tag only", name);
		full = ref_print(&ref);
		if (!full)
			return rl_oom(err);
		name = full;
	}
	return strv_take(ids, str_printf("%s%s%s", img->id, name ? " " : "", name ? name : "")) < 0
		       ? rl_oom(err)
		       : 0;
}

int archive_push(const struct rl *rl, const struct image *img, const char *dest, bool quiet,
		 struct rl_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		size_t n = strlen(transports[i].prefix);
		const char *path = dest + n;
		auto_free char *file = NULL;
		auto_strv struct strv ids = { 0 };
		const char *colon;

		if (strncmp(dest, transports[i].prefix, n) != 0)
			continue;
		colon = transports[i].named ? strchr(path, ':') : NULL;
		file = colon ? strndup(path, (size_t)(colon - path)) : strdup(path);
		if (!file)
			return rl_oom(err);
		if (!*file)
			return rl_fail(err, EINVAL, "'%s' names no file or folder", dest);
		if (add_entry(&ids, img, transports[i].format, colon ? colon + 1 : NULL, err) < 0)
			return -err->code;
		return archive_out(rl, &ids, transports[i].format, file, quiet, err);
	}
	return rl_fail(err, EINVAL, "'%s' is no archive and no folder", dest);
}

bool archive_is_place(const char *dest)
{
	for (size_t i = 0; dest && i < ARRAY_LEN(transports); i++)
		if (strncmp(dest, transports[i].prefix, strlen(transports[i].prefix)) == 0)
			return true;
	return false;
}
