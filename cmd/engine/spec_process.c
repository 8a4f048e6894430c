/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_process.c - the "process" object: args, cwd, user, capabilities, limits of the process
 *
 * Args follow Docker: an entrypoint on the command line drops the image's command as well.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "cmd/engine/ulimit.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/capname.h"

#define ARGS_BYTES_MAX (2 << 20) /* of args and env; the kernel's own limit is about this */

static int read_userdb(struct spec_ctx *x, struct rl_err *err)
{
	const int *fds = x->in->layer_fds;
	size_t n = x->in->n_layers;
	auto_fd int root = FD_NONE;
	int r;

	if (n == 0) {
		root = open(x->in->rootfs_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			return rl_fail_sys(err, errno, "open the root file system '%s'",
					   x->in->rootfs_path);
		fds = &root;
		n = 1;
	}
	r = userdb_read(fds, n, "etc", "passwd", &x->passwd, err);
	if (r == 0)
		r = userdb_read(fds, n, "etc", "group", &x->group, err);
	return r;
}

static int check_mapped(const struct spec_ctx *x, const struct idmap *m, uint32_t id,
			const char *what, struct rl_err *err)
{
	if (idmap_to_outside(m, id) >= 0)
		return 0;
	rl_fail(err, EINVAL, "%s %u is not mapped in the container (%llu ids are)", what, id,
		(unsigned long long)idmap_count(m));
	if (x->in->session->rung == SESSION_ONE_ID)
		return rl_hint(err, "get subordinate ids for more than one: "
				    "sudo usermod --add-subuids 100000-165535 --add-subgids "
				    "100000-165535 $USER; or use --userns keep-id");
	return rl_hint(err,
		       "use an id that is mapped, --userns keep-id:uid=%u,gid=%u, or a larger "
		       "range in /etc/subuid and /etc/subgid",
		       id, id);
}

/* -u wins; with keep-id the caller; else the image. */
static const char *user_spec(const struct spec_ctx *x, char text[32])
{
	if (x->req->user)
		return x->req->user;
	if (!x->keep_id)
		return x->img.user;
	(void)snprintf(text, 32, "%u:%u", x->keep_uid, x->keep_gid);
	return text;
}

static int extra_groups(struct spec_ctx *x, json_t *arr, struct rl_err *err)
{
	bool can = x->in->session->rung != SESSION_ONE_ID; /* else setgroups is denied */

	if (strv_has(&x->req->group_add, "keep-groups")) {
		if (x->req->group_add.n == 1)
			return 0; /* spec_build.c notes it */
		return rl_fail(err, EINVAL,
			       "'--group-add keep-groups' goes with no other group: the kernel "
			       "keeps all of them or none");
	}
	for (size_t i = 0; can && i < x->user.n_groups; i++)
		if (idmap_to_outside(&x->out->gids, x->user.groups[i]) >= 0 &&
		    json_array_append_new(arr, json_integer(x->user.groups[i])) < 0)
			return rl_oom(err);
	for (size_t i = 0; i < x->req->group_add.n; i++) {
		uint32_t gid;
		int r;

		r = userdb_group(x->req->group_add.v[i], &x->group, &gid, err);
		if (r == 0)
			r = check_mapped(x, &x->out->gids, gid, "group", err);
		if (r == 0 && !can)
			r = rl_fail(err, ENOTSUP, "supplementary groups need subordinate ids");
		if (r < 0)
			return rl_wrap(err, "--group-add '%s'", x->req->group_add.v[i]);
		if (json_array_append_new(arr, json_integer(gid)) < 0)
			return rl_oom(err);
	}
	return 0;
}

int spec_make_user(struct spec_ctx *x, struct rl_err *err)
{
	const char *umask = x->req->umask ? x->req->umask : "0022";
	uint64_t mask;
	json_t *user, *groups = json_array();
	char text[32];
	int r;

	user = json_pack("{s:o}", "additionalGids", groups);
	if (!user || json_object_set_new(x->process, "user", user) < 0)
		return rl_oom(err);
	r = read_userdb(x, err);
	if (r == 0)
		r = spec_add_accounts(x, err);
	if (r == 0)
		r = userdb_resolve(user_spec(x, text), &x->passwd, &x->group, &x->user, err);
	if (r == 0)
		r = spec_map_user(x, err);
	if (r == 0)
		r = check_mapped(x, &x->out->uids, x->user.uid, "user", err);
	if (r == 0)
		r = check_mapped(x, &x->out->gids, x->user.gid, "group", err);
	if (r == 0)
		r = extra_groups(x, groups, err);
	if (r < 0)
		return r;
	if (parse_octal(umask, 0777, &mask) < 0)
		return rl_fail(err, EINVAL, "'--umask %s' is not an octal number up to 0777",
			       umask);
	if (json_array_size(groups) == 0)
		(void)json_object_del(user, "additionalGids"); /* there: just set */
	if (json_object_set_new(user, "uid", json_integer(x->user.uid)) < 0 ||
	    json_object_set_new(user, "gid", json_integer(x->user.gid)) < 0 ||
	    json_object_set_new(user, "umask", json_integer((json_int_t)mask)) < 0)
		return rl_oom(err);
	return 0;
}

/* --entrypoint: nothing, a JSON array, or one word. */
static int add_entrypoint(json_t *args, const char *word, struct rl_err *err)
{
	json_auto_t *a = NULL;
	int r;

	if (!*word)
		return 0;
	if (*word != '[')
		return json_array_append_new(args, json_string(word)) < 0
			       ? rl_fail(err, EINVAL, "--entrypoint is not valid UTF-8")
			       : 0;
	r = json_read(word, strlen(word), 1 << 20, "--entrypoint", &a, err);
	if (r == 0)
		r = json_check_strings(a, "--entrypoint", err);
	if (r == 0 && json_array_extend(args, a) < 0)
		r = rl_oom(err);
	return r;
}

static int check_args(const json_t *args, struct rl_err *err)
{
	const json_t *v;
	size_t i, total = 0;

	if (json_array_size(args) == 0) {
		rl_fail(err, EINVAL, "no command specified, and the image has none");
		return rl_hint(err, "put one after the image: rl run IMAGE COMMAND [ARG...]");
	}
	json_array_foreach (args, i, v)
		total += json_string_length(v) + 1;
	if (total > ARGS_BYTES_MAX)
		return rl_fail(err, E2BIG, "the command has %zu bytes, more than the limit of %d",
			       total, ARGS_BYTES_MAX);
	return 0;
}

static int make_args(struct spec_ctx *x, json_t **ret, struct rl_err *err)
{
	json_auto_t *args = json_array();
	bool own_entry = x->req->entrypoint != NULL;
	int r = args ? 0 : rl_oom(err);

	if (r == 0 && own_entry)
		r = add_entrypoint(args, x->req->entrypoint, err);
	else if (r == 0 && x->img.entrypoint && json_array_extend(args, x->img.entrypoint) < 0)
		r = rl_oom(err);
	x->entry_args = json_array_size(args);
	for (size_t i = 0; r == 0 && i < x->req->n_args; i++)
		if (json_array_append_new(args, json_string(x->req->args[i])) < 0)
			r = rl_fail(err, EINVAL, "argument %zu of the command is not valid UTF-8",
				    i + 1);
	if (r == 0 && x->req->n_args == 0 && !own_entry && x->img.cmd &&
	    json_array_extend(args, x->img.cmd) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = check_args(args, err);
	if (r < 0)
		return r;
	*ret = json_incref(args);
	return 0;
}

/*
 * A working folder below /proc/.../fd would be a door to whatever descriptors a process of the
 * runtime has (SECURITY S2); core checks the opened folder again.
 */
static int make_cwd(struct spec_ctx *x, struct rl_err *err)
{
	const char *w = x->req->workdir ? x->req->workdir : x->img.workdir;
	auto_free char *abs = NULL;
	int r;

	if (x->req->workdir && *w != '/')
		return rl_fail(err, EINVAL, "'--workdir %s' is not an absolute path", w);
	abs = str_printf("%s%s", w && *w == '/' ? "" : "/", w ? w : "");
	if (!abs)
		return rl_oom(err);
	r = text_clean_path(abs, "working folder", &x->cwd, err);
	if (r == 0 && (text_path_below(x->cwd, "/proc") || text_path_below(x->cwd, "/dev/fd")) &&
	    strstr(x->cwd, "/fd"))
		r = rl_fail(err, EINVAL, "working folder '%s' leads to open files of a process",
			    x->cwd);
	return r;
}

/* Nobody without privilege gets below what the session began with (systemd: often 100 or 200). */
static int warn_if_lower(const struct spec_ctx *x, int64_t v, struct rl_err *err)
{
	int64_t own = io_read_number("/proc/self/oom_score_adj");

	if (v >= own || geteuid() == 0)
		return 0;
	if (x->req->strict_limits)
		return rl_fail(
			err, EPERM,
			"'--oom-score-adj %lld' cannot be applied: your own is %lld, and only "
			"root goes below",
			(long long)v, (long long)own);
	log_warn("'--oom-score-adj %lld' has no effect: your own is %lld, and only root goes below",
		 (long long)v, (long long)own);
	return 0;
}

static int oom_score(struct spec_ctx *x, struct rl_err *err)
{
	int64_t v;

	if (!x->req->oom_score_adj)
		return 0;
	if (parse_int(x->req->oom_score_adj, -1000, 1000, &v) < 0)
		return rl_fail(err, EINVAL, "'--oom-score-adj %s' is not between -1000 and 1000",
			       x->req->oom_score_adj);
	if (warn_if_lower(x, v, err) < 0)
		return -err->code;
	return json_object_set_new(x->process, "oomScoreAdj", json_integer(v)) < 0 ? rl_oom(err)
										   : 0;
}

int spec_make_process(struct spec_ctx *x, struct rl_err *err)
{
	json_auto_t *args = NULL, *env = NULL, *caps = NULL, *rlimits = NULL;
	int r = make_args(x, &args, err);

	if (r == 0)
		r = make_cwd(x, err);
	if (r == 0)
		r = spec_make_env(x, &env, err);
	if (r == 0)
		r = spec_make_caps(x, &caps, err);
	if (r == 0)
		r = ulimit_json(&x->req->ulimit, &rlimits, err);
	if (r == 0)
		r = oom_score(x, err);
	if (r < 0)
		return r;
	if (json_object_set(x->process, "args", args) < 0 ||
	    json_object_set(x->process, "env", env) < 0 ||
	    json_object_set(x->process, "capabilities", caps) < 0 ||
	    json_object_set(x->process, "rlimits", rlimits) < 0 ||
	    json_object_set_new(x->process, "cwd", json_string(x->cwd)) < 0 ||
	    json_object_set_new(x->process, "terminal", json_boolean(x->req->tty)) < 0 ||
	    json_object_set_new(x->process, "noNewPrivileges", json_boolean(x->sec.no_new_privs)) <
		    0)
		return rl_oom(err);
	return 0;
}

static int bad_capability(const char *word, const char *flag, struct rl_err *err)
{
	rl_fail(err, EINVAL, "unknown capability '%s' for '%s'", word, flag);
	return rl_hint(err, "a name of capabilities(7) such as NET_ADMIN or CAP_NET_ADMIN, or all");
}

static int cap_words(const struct strv *words, const char *flag, uint64_t *ret, bool *ret_all,
		     struct rl_err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		int c;

		if (strcasecmp(words->v[i], "all") == 0) {
			*ret_all = true;
			continue;
		}
		c = capname_parse(words->v[i]);
		if (c < 0)
			return bad_capability(words->v[i], flag, err);
		*ret |= UINT64_C(1) << c;
	}
	return 0;
}

static json_t *cap_names(uint64_t set)
{
	json_t *a = json_array();

	for (unsigned i = 0; a && i < 64; i++)
		if (set >> i & 1 && json_array_append_new(a, json_string(capname_of(i))) < 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

/*
 * Root of the container has the set; another user has none, unless --cap-add names some: those
 * are made ambient, for nothing else survives the exec of a plain file (capabilities(7)).
 * Inheritable and ambient are empty otherwise (SECURITY S21, S22).
 */
int spec_make_caps(struct spec_ctx *x, json_t **ret, struct rl_err *err)
{
	bool add_all = false, drop_all = false;
	uint64_t add = 0, drop = 0, all = capname_all(), bound, held, extra;
	int r = cap_words(&x->req->cap_add, "--cap-add", &add, &add_all, err);

	if (r == 0)
		r = cap_words(&x->req->cap_drop, "--cap-drop", &drop, &drop_all, err);
	if (r < 0)
		return r;
	if (add & drop)
		return rl_fail(err, EINVAL, "capability '%s' is both added and dropped",
			       capname_of((unsigned)__builtin_ctzll(add & drop)));
	if (add_all && drop_all)
		return rl_fail(err, EINVAL, "all capabilities are both added and dropped");
	bound = x->req->privileged || add_all ? all
		: drop_all                    ? 0
		: x->req->hardened            ? spec_hardened_caps()
					      : capname_default();
	bound = ((bound | add) & ~drop) & all;
	if (drop_all)
		x->sec.no_new_privs = true; /* set-user-ID programs must not bring any back */
	held = x->user.uid == 0 ? bound : add & bound;
	extra = x->user.uid == 0 ? 0 : held;
	x->caps = bound;
	*ret = json_pack("{s:o, s:o, s:o, s:o, s:o}", "bounding", cap_names(bound), "effective",
			 cap_names(held), "permitted", cap_names(held), "inheritable",
			 cap_names(extra), "ambient", cap_names(extra));
	return *ret ? 0 : rl_oom(err);
}
