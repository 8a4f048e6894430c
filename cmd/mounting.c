/* SPDX-License-Identifier: Apache-2.0 */
/* mounting.c - what rl mount and rl image mount share; the header is the manual */
#include "config.h"

#include "cmd/mounting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/format.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/strv.h"

int mounting_session(struct session *ret, struct rl_err *err)
{
	static const char *const maps[] = { "/proc/self/uid_map", "/proc/self/gid_map" };

	*ret = (struct session){ .userns_fd = FD_NONE };
	for (int i = 0; i < 2; i++) {
		auto_buf struct buf b = { 0 };
		int r = io_read_file(AT_FDCWD, maps[i], 4096, &b, err);

		if (r < 0)
			return r;
		r = idmap_parse(b.data ? b.data : "", i ? &ret->gids : &ret->uids);
		if (r < 0)
			return rl_fail(err, -r, "cannot read '%s'", maps[i]);
	}
	ret->rung = idmap_count(&ret->uids) > 1 ? SESSION_FULL : SESSION_ONE_ID;
	return 0;
}

char *mounting_place(const struct rl *rl, const char *id, struct rl_err *err)
{
	char *path = str_printf("%s/mounts/%.64s", rl->run_dir, id);

	if (!path)
		rl_oom(err);
	return path;
}

int mounting_make(const struct rl *rl, const char *id, char **ret, struct rl_err *err)
{
	auto_free char *path = mounting_place(rl, id, err);
	char rel[80];
	int r;

	if (!path)
		return -err->code;
	(void)snprintf(rel, sizeof(rel), "mounts/%.64s", id);
	r = io_mkdirs(rl->run_fd, rel, 0700, err);
	if (r == 0)
		*ret = TAKE_PTR(path);
	return r;
}

bool mounting_is_there(const char *path)
{
	struct statx st;

	/* not by st_dev: a store and run_dir may be on one file system */
	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mounting_undo(const char *path, const char *what, struct rl_err *err)
{
	if (!mounting_is_there(path))
		return rl_fail(err, EINVAL, "%s is not mounted", what);
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return rl_fail_sys(err, errno, "unmount '%s'", path);
	/* the folder stays: without it the kernel would undo the mount of another `rl unshare`, too */
	return 0;
}

void mounting_forget(const struct rl *rl, const char *id)
{
	char rel[80];

	if (!*id)
		return;
	(void)snprintf(rel, sizeof(rel), "mounts/%.64s", id);
	(void)unlinkat(rl->run_fd, rel, AT_REMOVEDIR); /* mostly there is none */
}

int mounting_add(json_t *list, const char *id, const char *const *names, size_t n_names,
		 const char *path, struct rl_err *err)
{
	json_t *all = json_array();
	bool bad = !all;

	for (size_t i = 0; !bad && i < n_names; i++)
		bad = json_array_append_new(all, json_string(names[i])) < 0;
	bad |= json_array_append_new(list, json_pack("{s:s, s:O?, s:s}", "id", id, "Names", all,
						     "mountpoint", path)) < 0;
	json_decref(all);
	return bad ? rl_oom(err) : 0;
}

int mounting_check_format(const char *format, struct rl_err *err)
{
	if (!format || format_is_json(format))
		return 0;
	return rl_fail(err, EINVAL, "'--format %s': only json can be had", format);
}

int mounting_print(const json_t *list, const char *format, bool no_trunc, struct rl_err *err)
{
	auto_table struct table t = { .columns = 2 };
	auto_buf struct buf out = { 0 };
	const json_t *row;
	size_t i;
	int r = 0;

	if (format)
		r = format_json(list, &out, err);
	json_array_foreach (list, i, row) {
		const char *id = json_string_value(json_object_get(row, "id"));
		auto_free char *text = strndup(id, no_trunc ? strlen(id) : 12);

		if (!text || table_add(&t, text) < 0 ||
		    table_add(&t, json_string_value(json_object_get(row, "mountpoint"))) < 0)
			return rl_oom(err);
	}
	if (r == 0 && !format && table_print(&t, &out) < 0)
		r = rl_oom(err);
	return r < 0 ? r : format_print(&out, err);
}
