/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.c - owner, mode, xattrs and times of a layer entry; the header is the manual
 *
 * Sources: xattr(7), capabilities(7) "File capability extended attribute versioning",
 * user_namespaces(7), overlayfs.rst (which xattrs change what an overlay shows).
 */
#include "config.h"

#include "storage/image/meta.h"

#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "storage/image/xattrs.h"

#define XATTRS_MAX 1024        /* per entry */
#define XATTR_SIZE (64 * 1024) /* XATTR_SIZE_MAX of the kernel */
#define CAPABILITY XATTRS_CAPABILITY

struct timespec meta_mtime(struct archive_entry *e)
{
	long ns = archive_entry_mtime_nsec(e);

	return (struct timespec){ .tv_sec = archive_entry_mtime(e),
				  .tv_nsec = ns >= 0 && ns < 1000000000 ? ns : 0 };
}

int meta_owner(struct archive_entry *e, uint32_t *ret_uid, uint32_t *ret_gid, struct rl_err *err)
{
	int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);

	/* 2^32 - 1 would mean "leave as it is" to chown(2) */
	if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return rl_fail(err, EINVAL, "owner %lld:%lld is not a valid id", (long long)uid,
			       (long long)gid);
	*ret_uid = (uint32_t)uid;
	*ret_gid = (uint32_t)gid;
	return 0;
}

int meta_owner_error(int code, uint32_t uid, uint32_t gid, struct rl_err *err)
{
	if (code != EINVAL)
		return rl_fail_sys(err, code, "set owner %u:%u", uid, gid);
	rl_fail(err, EINVAL, "owner %u:%u is outside the ids that this user may use", uid, gid);
	return rl_hint(
		err,
		"give the user a subordinate range beyond %u in /etc/subuid and "
		"/etc/subgid (usermod --add-subuids, --add-subgids); --userns maps within it",
		uid > gid ? uid : gid);
}

static int set_xattr(int fd, const char *name, const void *value, size_t len, struct rl_err *err)
{
	if (fsetxattr(fd, name, value, len, 0) == 0)
		return 0;
	if (errno == EOPNOTSUPP) {
		log_debug("'%s' is dropped: the file system has none such", name);
		return 0;
	}
	return rl_fail_sys(err, errno, "set extended attribute '%.255s'", name);
}

/* From what is written as revision 2 the kernel makes a revision 3 for the user namespace we are in. */
static int set_capability(int fd, const void *value, size_t len, struct rl_err *err)
{
	struct vfs_ns_cap_data d = { 0 };
	uint32_t magic;

	if (len != XATTR_CAPS_SZ_2 && len != XATTR_CAPS_SZ_3)
		return rl_fail(err, EINVAL, "its '" CAPABILITY "' has an odd size");
	memcpy(&d, value, len);
	magic = le32toh(d.magic_etc);
	if ((magic & VFS_CAP_REVISION_MASK) !=
	    (len == XATTR_CAPS_SZ_2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3))
		return rl_fail(err, EINVAL, "its '" CAPABILITY "' is of no known revision");
	return set_xattr(fd, CAPABILITY, &d, xattrs_fix_capability(CAPABILITY, &d, len), err);
}

static int check_xattr(const char *name, size_t len, int n, struct rl_err *err)
{
	if (n > XATTRS_MAX)
		return rl_fail(err, E2BIG, "more than %d extended attributes", XATTRS_MAX);
	if (strlen(name) > XATTR_NAME_MAX)
		return rl_fail(err, ENAMETOOLONG, "an extended attribute's name is over %d bytes",
			       XATTR_NAME_MAX);
	if (len > XATTR_SIZE)
		return rl_fail(err, E2BIG, "extended attribute '%s' is over %d bytes", name,
			       XATTR_SIZE);
	return 0;
}

static int set_xattrs(int fd, struct archive_entry *e, bool capability, struct rl_err *err)
{
	int n = archive_entry_xattr_count(e), r = 0;
	const bool regular = archive_entry_filetype(e) == AE_IFREG;

	(void)archive_entry_xattr_reset(e); /* returns the count again */
	for (int i = 0; i < n && r == 0; i++) {
		const char *name = NULL;
		const void *value = NULL;
		size_t len = 0;

		if (archive_entry_xattr_next(e, &name, &value, &len) != 0 || !name)
			break;
		r = check_xattr(name, len, n, err);
		if (r == 0 && capability && regular && strcmp(name, CAPABILITY) == 0)
			r = set_capability(fd, value, len, err);
		else if (r == 0 && !capability && xattrs_may_pass(name))
			r = set_xattr(fd, name, value, len, err);
	}
	return r;
}

static int record_owner(int fd, struct archive_entry *e, uint32_t uid, uint32_t gid,
			struct rl_err *err)
{
	const unsigned type = archive_entry_filetype(e);
	const bool device = type == AE_IFCHR || type == AE_IFBLK;
	char text[96];
	int n;

	if (uid == 0 && gid == 0 && !device)
		return 0;
	n = snprintf(text, sizeof(text), "%u:%u:%o", uid, gid, (unsigned)archive_entry_mode(e));
	if (device)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ":%u:%u",
			      (unsigned)archive_entry_rdevmajor(e),
			      (unsigned)archive_entry_rdevminor(e));
	return set_xattr(fd, "user.rl.owner", text, (size_t)n, err);
}

/* Setting what is so already would still dirty the inode: half the time of a layer of small files. */
static int set_owner(int fd, uint32_t uid, uint32_t gid, struct rl_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat");
	if ((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return meta_owner_error(errno, uid, gid, err);
	return 0;
}

static int set_mode(int fd, mode_t mode, struct rl_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat");
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return rl_fail_sys(err, errno, "set its mode");
	return 0;
}

int meta_apply(int fd, struct archive_entry *e, bool one_id, struct rl_err *err)
{
	uint32_t uid, gid;
	int r = meta_owner(e, &uid, &gid, err);

	if (r < 0)
		return r;
	r = one_id ? record_owner(fd, e, uid, gid, err) : set_owner(fd, uid, gid, err);
	if (r == 0)
		r = set_xattrs(fd, e, false, err);
	if (r == 0)
		r = set_mode(fd, archive_entry_perm(e) & 07777, err);
	return r < 0 ? r : set_xattrs(fd, e, true, err);
}

int meta_apply_copy(int fd, struct archive_entry *e, const struct meta_who *who, bool set_id,
		    struct rl_err *err)
{
	const mode_t mask = set_id ? 07777 : archive_entry_filetype(e) == AE_IFDIR ? 01777 : 0777;
	uint32_t uid = who->uid, gid = who->gid;
	int r = who->owner == META_KEEP ? meta_owner(e, &uid, &gid, err) : 0;

	if (r == 0 && who->owner != META_CALLER)
		r = set_owner(fd, uid, gid, err);
	if (r == 0)
		r = set_xattrs(fd, e, false, err);
	if (r == 0)
		r = set_mode(fd, archive_entry_perm(e) & mask, err);
	return r < 0 || who->owner != META_KEEP ? r : set_xattrs(fd, e, true, err);
}
