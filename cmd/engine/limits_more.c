/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits_more.c - --blkio-weight, --device-read-bps and kin, --cgroup-conf, --cgroup-parent, --cgroups
 *
 * What cgroup v2 does not have (swappiness of a group, an OOM killer that is off, real-time shares)
 * is asked for in vain on every Linux of today: it is named in a line, or refused with --strict-limits.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cmd/engine/limits.h"
#include "cmd/engine/settings.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/parse.h"

static const char *const device_flags[CGROUP_IO_KINDS] = {
	"--device-read-bps", "--device-write-bps", "--device-read-iops", "--device-write-iops"
};

int limits_note(struct strv *flags, char *text, struct rl_err *err)
{
	size_t n = text ? strcspn(text, " ") + 1 : 0;

	for (size_t i = 0; text && i < flags->n; i++) {
		if (strncmp(flags->v[i], text, n) != 0)
			continue;
		free(flags->v[i]);
		flags->v[i] = text;
		return 0;
	}
	return strv_take(flags, text) < 0 ? rl_oom(err) : 0;
}

void limits_forget(struct strv *flags, const char *flag)
{
	const size_t len = strlen(flag);
	size_t kept = 0;

	for (size_t i = 0; i < flags->n; i++) {
		if (strncmp(flags->v[i], flag, len) == 0 && flags->v[i][len] == ' ')
			free(flags->v[i]);
		else
			flags->v[kept++] = flags->v[i];
	}
	if (flags->n > 0)
		flags->v[kept] = NULL;
	flags->n = kept;
}

/* --- block devices --------------------------------------------------------------------------- */

/* Weights of v1 (10 to 1000) to those of v2 (1 to 10000), the conversion that OCI runtimes share. */
static int weight(const char *flag, const char *s, uint64_t *ret, struct rl_err *err)
{
	uint64_t w;

	if (parse_uint(s, 1000, &w) < 0 || (w != 0 && w < 10))
		return rl_fail(err, EINVAL, "'%s %.80s' is not a number from 10 to 1000, or 0",
			       flag, s);
	*ret = w ? 1 + (w - 10) * 9999 / 990 : 0;
	return 0;
}

/* "PATH:VALUE": the entry of that device, @ret_value points into @s. */
static int find_device(const char *flag, const char *s, struct cgroup_limits *l,
		       struct cgroup_device **ret, const char **ret_value, struct rl_err *err)
{
	const char *colon = strrchr(s, ':');
	auto_free char *path = colon ? strndup(s, (size_t)(colon - s)) : NULL;
	struct stat st;

	if (!colon)
		return rl_fail(err, EINVAL, "'%s %.200s' is not PATH:VALUE", flag, s);
	if (!path)
		return rl_oom(err);
	if (stat(path, &st) < 0)
		return rl_fail_sys(err, errno, "'%s': '%.200s'", flag, path);
	if (!S_ISBLK(st.st_mode))
		return rl_fail(err, ENOTBLK, "'%s': '%.200s' is not a block device", flag, path);
	*ret_value = colon + 1;
	for (size_t i = 0; i < l->n_devices; i++) {
		*ret = &l->devices[i];
		if ((*ret)->major == major(st.st_rdev) && (*ret)->minor == minor(st.st_rdev))
			return 0;
	}
	if (l->n_devices == CGROUP_DEVICES)
		return rl_fail(err, E2BIG, "'%s': more than %d devices", flag, CGROUP_DEVICES);
	*ret = &l->devices[l->n_devices++];
	**ret = (struct cgroup_device){ .major = major(st.st_rdev), .minor = minor(st.st_rdev) };
	return 0;
}

static int device_limit(size_t kind, const char *s, struct cgroup_limits *l, struct rl_err *err)
{
	const char *flag = device_flags[kind], *value;
	struct cgroup_device *d;
	int64_t n = 0;
	int r = find_device(flag, s, l, &d, &value, err);

	if (r < 0)
		return r;
	r = kind <= CGROUP_WBPS ? parse_size(value, &n) : parse_int(value, 0, INT64_MAX, &n);
	if (r < 0 || n < 0)
		return rl_fail(err, EINVAL, "'%s %.200s' does not end in a number", flag, s);
	d->max[kind] = (uint64_t)n;
	return 0;
}

/* Every flag is noted with its last value: enough to be told of. */
static int devices(const struct create_req *q, struct cgroup_limits *l, struct strv *flags,
		   struct rl_err *err)
{
	const struct limit_words *w = &q->limit;
	int r = 0;

	if (w->blkio_weight)
		r = weight("--blkio-weight", w->blkio_weight, &l->io_weight, err);
	if (r == 0 && w->blkio_weight && l->io_weight == 0)
		limits_forget(flags, "--blkio-weight");
	else if (r == 0 && w->blkio_weight)
		r = limits_note(flags, str_printf("--blkio-weight %s", w->blkio_weight), err);
	for (size_t i = 0; i < w->weight_device.n && r == 0; i++) {
		const char *flag = "--blkio-weight-device", *s = w->weight_device.v[i], *value;
		struct cgroup_device *d;

		r = find_device(flag, s, l, &d, &value, err);
		if (r == 0)
			r = weight(flag, value, &d->weight, err);
		if (r == 0)
			r = limits_note(flags, str_printf("%s %s", flag, s), err);
	}
	for (size_t kind = 0; kind < CGROUP_IO_KINDS; kind++)
		for (size_t i = 0; i < w->device[kind].n && r == 0; i++) {
			r = device_limit(kind, w->device[kind].v[i], l, err);
			if (r == 0)
				r = limits_note(flags,
						str_printf("%s %s", device_flags[kind],
							   w->device[kind].v[i]),
						err);
		}
	return r;
}

/* --- files by name, and the place ------------------------------------------------------------ */

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";

static int conf(const struct strv *list, struct cgroup_limits *l, struct strv *flags,
		struct rl_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *s = list->v[i], *eq = strchr(s, '=');
		size_t len = eq ? (size_t)(eq - s) : 0;

		if (!eq || len > 60 || strspn(s, name_bytes) != len || !memchr(s, '.', len) ||
		    !eq[1] || strchr(eq, '\n') || strlen(s) >= sizeof(l->conf[0]))
			return rl_fail(err, EINVAL,
				       "'--cgroup-conf %.100s' is not FILE=VALUE such as "
				       "memory.high=1073741824",
				       s);
		if (strncmp(s, "cgroup.", 7) == 0)
			return rl_fail(err, EPERM, "'--cgroup-conf %.100s': that file is rl's own",
				       s);
		if (l->n_confs == CGROUP_CONFS)
			return rl_fail(err, E2BIG, "more than %d times '--cgroup-conf'",
				       CGROUP_CONFS);
		memcpy(l->conf[l->n_confs], s, strlen(s) + 1);
		l->conf[l->n_confs++][len] = ' ';
		if (limits_note(flags, str_printf("--cgroup-conf %s", s), err) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int place(const struct limit_words *w, struct cgroup_limits *l, struct strv *flags,
		 struct rl_err *err)
{
	static const char *const modes[] = { "enabled", "disabled", "no-conmon", "split" };
	const char *p = w->cgroup_parent, *mode = w->cgroups;
	size_t m = 0;

	while (mode && *mode && m < ARRAY_LEN(modes) && strcmp(mode, modes[m]) != 0)
		m++;
	if (m == ARRAY_LEN(modes))
		return rl_fail(err, EINVAL,
			       "'--cgroups %.80s' is not enabled, disabled, no-conmon or split",
			       mode);
	l->mode = (enum cgroup_mode)m;
	if (l->mode == CGROUP_MODE_DISABLED && (flags->n > 0 || (p && *p)))
		return rl_fail(err, EINVAL, "'--cgroups disabled' and '%s' exclude each other",
			       flags->n > 0 ? flags->v[0] : "--cgroup-parent");
	if (l->mode > CGROUP_MODE_DISABLED &&
	    limits_note(flags, str_printf("--cgroups %s", mode), err) < 0)
		return -ENOMEM;
	if (!p || !*p)
		return 0;
	if (strlen(p) >= sizeof(l->parent) || strstr(p, "..") || strpbrk(p, "\n\t "))
		return rl_fail(err, EINVAL,
			       "'--cgroup-parent %.80s' is neither a slice (NAME.slice) nor the "
			       "path of a cgroup",
			       p);
	if (l->mode == CGROUP_MODE_SPLIT)
		return rl_fail(err, EINVAL,
			       "'--cgroups split' and '--cgroup-parent' exclude each other");
	memcpy(l->parent, p, strlen(p) + 1);
	return limits_note(flags, str_printf("--cgroup-parent %s", p), err);
}

/* What no group of cgroup v2 has. */
static int impossible(const struct create_req *q, struct rl_err *err)
{
	const struct limit_words *w = &q->limit;
	const struct {
		const char *flag, *why;
		bool asked;
	} list[] = {
		{ "--memory-swappiness",
		  "no group has a swappiness of its own; --memory-swap "
		  "limits its swap",
		  w->swappiness && strcmp(w->swappiness, "-1") != 0 },
		{ "--oom-kill-disable",
		  "the kernel always ends what has no memory left; "
		  "--oom-score-adj lets others go first",
		  w->oom_kill_disable },
		{ "--cpu-rt-period", "no group has a share of real time", w->rt_period },
		{ "--cpu-rt-runtime", "no group has a share of real time", w->rt_runtime },
	};
	int64_t n;

	if (w->swappiness && parse_int(w->swappiness, -1, 100, &n) < 0)
		return rl_fail(err, EINVAL,
			       "'--memory-swappiness %.80s' is not a number from 0 to 100, or -1",
			       w->swappiness);
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		bool strict = q->strict_limits;

		if (list[i].asked && !strict && settings_strict_limits(&strict, err) < 0)
			return -err->code;
		if (list[i].asked && strict)
			return rl_fail(err, ENOTSUP, "'%s' cannot be applied: with cgroup v2 %s",
				       list[i].flag, list[i].why);
		if (list[i].asked)
			log_warn("'%s' has no effect: with cgroup v2 %s", list[i].flag,
				 list[i].why);
	}
	return 0;
}

int limits_apply_more(const struct create_req *q, struct cgroup_limits *l, struct strv *flags,
		      struct rl_err *err)
{
	int r = impossible(q, err);

	if (r == 0)
		r = devices(q, l, flags, err);
	if (r == 0)
		r = conf(&q->limit.conf, l, flags, err);
	return r == 0 && (q->limit.cgroups || q->limit.cgroup_parent)
		       ? place(&q->limit, l, flags, err)
		       : r;
}

/* --- as JSON ----------------------------------------------------------------------------------- */

/* Weights as typed are not kept; the nearest that means the same. */
static json_int_t weight_v1(uint64_t w)
{
	return (json_int_t)(10 + ((w - 1) * 990 + 9998) / 9999);
}

static json_t *throttle(const struct cgroup_limits *l, size_t kind)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n_devices; i++)
		if (l->devices[i].max[kind] > 0)
			(void)json_array_append_new(
				a, json_pack("{s:I, s:I, s:I}", "major",
					     (json_int_t)l->devices[i].major, "minor",
					     (json_int_t)l->devices[i].minor, "rate",
					     (json_int_t)l->devices[i].max[kind]));
	return a;
}

static json_t *block_io(const struct cgroup_limits *l)
{
	static const char *const keys[CGROUP_IO_KINDS] = { "throttleReadBpsDevice",
							   "throttleWriteBpsDevice",
							   "throttleReadIOPSDevice",
							   "throttleWriteIOPSDevice" };
	json_t *o = json_object(), *weights = json_array();

	if (l->io_weight > 0)
		(void)json_object_set_new(o, "weight", json_integer(weight_v1(l->io_weight)));
	for (size_t i = 0; i < l->n_devices; i++)
		if (l->devices[i].weight > 0)
			(void)json_array_append_new(
				weights, json_pack("{s:I, s:I, s:I}", "major",
						   (json_int_t)l->devices[i].major, "minor",
						   (json_int_t)l->devices[i].minor, "weight",
						   weight_v1(l->devices[i].weight)));
	if (json_array_size(weights) > 0)
		(void)json_object_set(o, "weightDevice", weights);
	json_decref(weights);
	for (size_t kind = 0; kind < CGROUP_IO_KINDS; kind++) {
		json_auto_t *a = throttle(l, kind);

		if (json_array_size(a) > 0)
			(void)json_object_set(o, keys[kind], a);
	}
	return o;
}

int limits_json_more(const struct cgroup_limits *l, json_t *res, struct rl_err *err)
{
	json_auto_t *io = NULL, *unified = NULL;
	int bad = 0;

	if (l->io_weight == 0 && l->n_devices == 0 && l->n_confs == 0)
		return 0;
	io = block_io(l);
	unified = json_object();
	for (size_t i = 0; i < l->n_confs; i++) {
		const char *s = l->conf[i];
		auto_free char *key = strndup(s, strcspn(s, " "));

		bad |= !key ||
		       json_object_set_new(unified, key, json_string(s + strcspn(s, " ") + 1)) < 0;
	}
	if (json_object_size(io) > 0)
		bad |= json_object_set(res, "blockIO", io);
	if (json_object_size(unified) > 0)
		bad |= json_object_set(res, "unified", unified);
	return bad || !io || !unified ? rl_oom(err) : 0;
}
