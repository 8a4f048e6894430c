/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_accounts.c - users and groups that are added to the image's /etc/passwd and /etc/group
 *
 * Theory of operation: accounts of the host (--hostuser) are added to the text of the image's
 * passwd before the user is looked up in it. The user itself gets a line when the image has none
 * for it, with keep-id or when --passwd-entry or --group-entry say how the line looks. Nothing is
 * added with --passwd=false. The image's files are never changed: a copy is bound over them.
 * Line formats: a field that goes in holds no colon and no line feed (SECURITY S25).
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

static bool is_field(const char *s, size_t max)
{
	return text_is_plain(s, max) && !strchr(s, ':');
}

/* The caller's login name if it fits into a passwd line, else "user". */
static const char *caller_name(const struct spec_ctx *x)
{
	const struct passwd *pw = getpwuid(x->in->rl->uid);
	const char *s = pw ? pw->pw_name : "";

	if (!*s || *s == '-' || !text_is_plain(s, 32) || strpbrk(s, ":, /\\"))
		return "user";
	return s;
}

static int end_line(struct buf *out)
{
	return out->len > 0 && out->data[out->len - 1] != '\n' ? buf_str(out, "\n") : 0;
}

static int copy_text(struct buf *out, const struct buf *from)
{
	int r = from->len > 0 ? buf_add(out, from->data, from->len) : 0;

	return r == 0 ? end_line(out) : r;
}

static int add_host_user(struct spec_ctx *x, const char *word, struct rl_err *err)
{
	const struct passwd *pw;
	uint64_t uid;

	if (parse_uint(word, UINT32_MAX - 1, &uid) == 0)
		pw = getpwuid((uid_t)uid);
	else
		pw = getpwnam(word);
	if (!pw)
		return rl_fail(err, ENOENT, "'--hostuser %s': the host has no such user", word);
	if (!is_field(pw->pw_name, USERDB_NAME_MAX) || !is_field(pw->pw_gecos, 1023) ||
	    !is_field(pw->pw_dir, TEXT_PATH_MAX) || !is_field(pw->pw_shell, TEXT_PATH_MAX))
		return rl_fail(err, EINVAL, "'--hostuser %s': its entry cannot be copied", word);
	if (end_line(&x->passwd) < 0 ||
	    buf_printf(&x->passwd, "%s:*:%u:%u:%s:%s:%s\n", pw->pw_name, (unsigned)pw->pw_uid,
		       (unsigned)pw->pw_gid, pw->pw_gecos, pw->pw_dir, pw->pw_shell) < 0)
		return rl_oom(err);
	return 0;
}

int spec_add_accounts(struct spec_ctx *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	int r = 0;

	if (q->no_passwd && (q->hostuser.n > 0 || q->passwd_entry || q->group_entry))
		return rl_fail(err, EINVAL,
			       "'--passwd=false' excludes --hostuser, --passwd-entry and "
			       "--group-entry");
	if ((q->passwd_entry && !text_is_plain(q->passwd_entry, TEXT_PATH_MAX)) ||
	    (q->group_entry && !text_is_plain(q->group_entry, TEXT_PATH_MAX)))
		return rl_fail(err, EINVAL,
			       "'--passwd-entry' and '--group-entry' are one line each");
	for (size_t i = 0; r == 0 && i < q->hostuser.n; i++)
		r = add_host_user(x, q->hostuser.v[i], err);
	return r;
}

/* @text with $USERNAME, $UID and kin replaced (podman-run(1) "--passwd-entry"). */
static int expand(struct buf *out, const char *text, const char *const vars[][2], size_t n)
{
	int r = 0;

	while (r == 0 && *text) {
		size_t len = strcspn(text, "$"), i;

		r = len > 0 ? buf_add(out, text, len) : 0;
		text += len;
		if (r < 0 || !*text)
			continue;
		for (i = 0; i < n; i++)
			if (strncmp(text, vars[i][0], strlen(vars[i][0])) == 0)
				break;
		r = i < n ? buf_str(out, vars[i][1]) : buf_add(out, text, 1);
		text += i < n ? strlen(vars[i][0]) : 1;
	}
	return r == 0 ? buf_str(out, "\n") : r;
}

static bool needs_user(const struct spec_ctx *x)
{
	return !x->user.has_entry &&
	       (x->req->passwd_entry || (x->keep_id && x->user.uid == x->keep_uid));
}

int spec_file_passwd(struct spec_ctx *x, struct buf *out, struct rl_err *err)
{
	const char *entry = x->req->passwd_entry;
	const char *home = is_field(x->home, TEXT_PATH_MAX) ? x->home : "/";
	char uid[16], gid[16];
	const char *const vars[][2] = { { "$USERNAME", caller_name(x) },
					{ "$UID", uid },
					{ "$GID", gid },
					{ "$NAME", caller_name(x) },
					{ "$HOME", home } };
	int r;

	if (x->req->no_passwd || (!needs_user(x) && x->req->hostuser.n == 0))
		return 1;
	(void)snprintf(uid, sizeof(uid), "%u", x->user.uid);
	(void)snprintf(gid, sizeof(gid), "%u", x->user.gid);
	r = copy_text(out, &x->passwd);
	if (r == 0 && needs_user(x))
		r = expand(out, entry ? entry : "$USERNAME:*:$UID:$GID::$HOME:/bin/sh", vars,
			   ARRAY_LEN(vars));
	return r < 0 ? rl_oom(err) : 0;
}

static bool has_gid(const struct spec_ctx *x, uint32_t gid)
{
	char needle[16];

	/* good enough to avoid a second name: the field ":gid:" anywhere */
	(void)snprintf(needle, sizeof(needle), ":%u:", gid);
	return x->group.data && strstr(x->group.data, needle);
}

int spec_file_group(struct spec_ctx *x, struct buf *out, struct rl_err *err)
{
	const char *entry = x->req->group_entry;
	char gid[16];
	const char *const vars[][2] = { { "$GROUPNAME", caller_name(x) }, { "$GID", gid } };

	if (x->req->no_passwd || has_gid(x, x->user.gid) ||
	    (!entry && !(x->keep_id && x->user.gid == x->keep_gid)))
		return 1;
	(void)snprintf(gid, sizeof(gid), "%u", x->user.gid);
	if (copy_text(out, &x->group) < 0 ||
	    expand(out, entry ? entry : "$GROUPNAME:x:$GID:", vars, ARRAY_LEN(vars)) < 0)
		return rl_oom(err);
	return 0;
}
