/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.c - engine: change a container that is there; the header is the manual
 *
 * Theory of operation: under the container's edit lock the new limits are computed from the
 * recorded ones, then written to the cgroup (all or none, core/cgroup.h), then to config.json and
 * state.json. A step that fails takes back the ones before it. The monitor has its own copy of the
 * limits for restarts of the payload: the group outlives those, so the kernel's values stay.
 */
#include "config.h"

#include "cmd/engine/update.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cmd/engine/healthopt.h"
#include "cmd/engine/life.h"
#include "cmd/engine/limits.h"
#include "cmd/engine/ulimit.h"
#include "core/approx.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/control.h"
#include "core/ctr_edit.h"
#include "core/events.h"
#include "core/procs.h"

struct updating {
	struct container c; /* as recorded */
	const struct create_req *q;
	struct cgroup_limits limits; /* new */
	struct restart_policy restart;
	struct ctr_state state;
	bool alive, new_health;
};

/* --- the record ---------------------------------------------------------------------------- */

static int set(json_t *o, const char *key, json_t *take, struct rl_err *err)
{
	return json_object_set_new(o, key, take) < 0 ? rl_oom(err) : 0;
}

/* The shares as typed, which the limits do not hold. */
static int64_t shares(const struct updating *u)
{
	const json_t *res = json_object_get(json_object_get(u->c.spec_json, "linux"), "resources");

	if (u->q->cpu_shares)
		return (int64_t)u->q->cpu_shares;
	return json_integer_value(json_object_get(json_object_get(res, "cpu"), "shares"));
}

/* "env" of the spec with --env and --unsetenv done to it */
static int change_env(const struct updating *u, json_t *process, struct rl_err *err)
{
	const json_t *old = json_object_get(process, "env");
	auto_strv struct strv env = { 0 };
	json_t *new;
	int bad = 0;

	if (u->q->env.n == 0 && u->q->unsetenv.n == 0)
		return 0;
	for (size_t i = 0; i < json_array_size(old); i++) {
		const char *s = json_string_value(json_array_get(old, i));
		auto_free char *key = s ? strndup(s, strcspn(s, "=")) : NULL;

		if (key && !strv_has(&u->q->unsetenv, key))
			bad |= strv_add(&env, s);
	}
	for (size_t i = 0; i < u->q->env.n && !bad; i++) {
		const char *s = u->q->env.v[i];

		if (!strchr(s, '=') || *s == '=')
			return rl_fail(err, EINVAL, "'--env %.100s' is not NAME=VALUE", s);
		bad |= strv_setenv(&env, s);
	}
	new = json_array();
	for (size_t i = 0; i < env.n; i++)
		bad |= json_array_append_new(new, json_string(env.v[i]));
	if (bad || !new) {
		json_decref(new);
		return rl_fail(err, EINVAL, "the environment cannot be recorded: is it UTF-8?");
	}
	return set(process, "env", new, err);
}

static int new_spec(const struct updating *u, json_t *spec, struct rl_err *err)
{
	json_t *res = NULL, *linux_part = json_object_get(spec, "linux");
	int r = limits_json(&u->limits, shares(u), &res, err);

	if (r < 0)
		return r;
	/* "devices" and the like stay */
	if (json_object_get(linux_part, "resources")) {
		json_t *old = json_object_get(linux_part, "resources");

		(void)json_object_del(old, "cpu"); /* may not be there */
		(void)json_object_del(old, "memory");
		(void)json_object_del(old, "pids");
		(void)json_object_del(old, "blockIO");
		r = json_object_update(old, res) < 0 ? rl_oom(err) : 0;
		json_decref(res);
	} else {
		r = set(linux_part, "resources", res, err);
	}
	if (r == 0 && u->q->ulimit.n > 0) {
		json_t *rlimits = json_object_get(json_object_get(spec, "process"), "rlimits");

		r = ulimit_change(&u->q->ulimit, rlimits, err);
	}
	return r < 0 ? r : change_env(u, json_object_get(spec, "process"), err);
}

static int new_state(const struct updating *u, json_t *state, struct rl_err *err)
{
	json_t *flags = json_array(), *asked = json_object_get(state, "asked");
	char restart[RESTART_TEXT];
	int bad = !flags;

	restart_print(&u->restart, restart);
	for (size_t i = 0; i < u->c.limit_flags.n; i++)
		bad |= json_array_append_new(flags, json_string(u->c.limit_flags.v[i]));
	if (json_is_object(asked) && u->q->cpu_shares)
		bad |= json_object_set_new(asked, "cpu_shares",
					   json_integer((json_int_t)u->q->cpu_shares));
	bad |= json_object_set_new(state, "limit_flags", flags);
	bad |= json_object_set_new(state, "limits", record_limits(&u->limits));
	bad |= json_object_set_new(state, "restart", json_string(restart));
	if (u->new_health)
		bad |= json_object_set_new(state, "health", health_conf_write(&u->c.health));
	return bad ? rl_oom(err) : 0;
}

/* Both files or, as far as the disk lets us, neither. */
static int write_records(struct updating *u, struct rl_err *err)
{
	json_auto_t *old = json_deep_copy(u->c.spec_json), *new = json_deep_copy(u->c.spec_json);
	struct rl_err why;
	int r = old && new ? new_spec(u, new, err) : rl_oom(err);

	if (r == 0)
		r = new_state(u, u->c.ctr.record, err);
	if (r == 0)
		r = json_write_file(u->c.ctr.dir_fd, "config.json", new, true, err);
	if (r < 0)
		return r;
	r = ctr_edit_write(&u->c.ctr, err);
	if (r < 0 && ctr_is_published(u->c.rl, &u->c.ctr) &&
	    json_write_file(u->c.ctr.dir_fd, "config.json", old, true, &why) < 0)
		log_warn("config.json of '%s' stays changed: %s", u->c.ctr.name, why.msg);
	return r;
}

/* --- the running container ----------------------------------------------------------------- */

/* Without a cgroup: what the monitor can do about it (core/approx.h). */
static int tell_limits(struct updating *u, const struct cgroup_limits *from,
		       const struct cgroup_limits *to, struct rl_err *err)
{
	struct monitor_msg m = { .type = MONITOR_LIMITS,
				 .limits = { to->cpu_quota_us, to->cpu_period_us, to->memory_max,
					     to->pids_max, "" } };
	const char *flag = cgroup_changed(from, to, approx_can, u->q->memory_swap != NULL);
	int r;

	if (flag) {
		rl_fail(err, ENOTSUP, "'%s' runs without a cgroup: '%s' cannot be changed now",
			u->c.ctr.name, flag);
		return rl_hint(err, "stop it, update it, and start it again");
	}
	memcpy(m.limits.cpuset_cpus, to->cpuset_cpus, sizeof(m.limits.cpuset_cpus));
	if (u->c.strict_limits)
		return rl_fail(err, ENOTSUP,
			       "'%s' runs without a cgroup: its limits would be approximate",
			       u->c.ctr.name);
	r = life_tell(u->c.rl, &u->c.ctr, &m, err);
	if (r == 0)
		log_warn("'%s' runs without a cgroup: its limits are approximate", u->c.ctr.name);
	return r;
}

static int write_kernel(struct updating *u, const struct cgroup_limits *from,
			const struct cgroup_limits *to, struct rl_err *err)
{
	if (!u->alive || memcmp(from, to, sizeof(*from)) == 0)
		return 0;
	if (!u->state.cgroup[0])
		return tell_limits(u, from, to, err);
	return cgroup_update(u->state.cgroup, from, to, err);
}

static int tell_policy(struct updating *u, struct rl_err *err)
{
	const struct monitor_msg m = { .type = MONITOR_POLICY,
				       .code = (int32_t)u->restart.kind,
				       .signal = (int32_t)u->restart.max };

	return u->alive && u->q->restart ? life_tell(u->c.rl, &u->c.ctr, &m, err) : 0;
}

/* The processes that run, and those that the monitor starts from now on. */
static int tell_record(struct updating *u, struct rl_err *err)
{
	const struct monitor_msg m = { .type = MONITOR_RECORD };
	struct pollfd init = { .events = POLLIN };
	auto_procs struct procs list = { 0 };
	auto_fd int pin = FD_NONE;
	struct rl_err gone;
	int r;

	if (!u->alive || (!u->new_health && u->q->ulimit.n == 0))
		return 0;
	r = life_tell(u->c.rl, &u->c.ctr, &m, err);
	if (r == -EPROTO)
		return rl_hint(err,
			       "its monitor is of an older rl: this counts from the next start");
	if (r < 0 || u->q->ulimit.n == 0)
		return r;
	/* its number may be a stranger's by now, unless it lives when the list is made */
	init.fd = ctr_open_init(&u->c.ctr, u->state.pid);
	pin = init.fd;
	if (pin >= 0)
		r = procs_list(u->state.pid, u->state.cgroup, &list, err);
	if (pin < 0 || poll(&init, 1, 0) != 0)
		return 0;
	for (size_t i = 0; r == 0 && i < list.n; i++)
		if (ulimit_set(&u->q->ulimit, list.v[i], false, &gone) < 0)
			log_debug("%s", gone.msg); /* or it has a lower one of its own */
	return r;
}

/* What can be refused is, before anything is changed. */
static int check_process(struct updating *u, struct rl_err *err)
{
	const struct create_req *q = u->q;
	int r = 0;

	u->new_health = health_asked(q);
	if (strv_has(&q->ulimit, "host"))
		return rl_fail(err, EINVAL, "'--ulimit host' is for new containers");
	if (u->new_health)
		r = health_change(q, &u->c.health, err);
	if (r == 0 && u->new_health && !q->no_healthcheck && u->c.health.test.n == 0 &&
	    !q->health_cmd) {
		rl_fail(err, EINVAL, "'%s' has no health check", u->c.ctr.name);
		return rl_hint(err, "give one with --health-cmd");
	}
	if (r == 0 && u->alive)
		r = ulimit_set(&q->ulimit, u->state.pid, true, err);
	return r == -ESRCH ? 0 : r;
}

static int check_restart(struct updating *u, struct rl_err *err)
{
	int r;

	u->restart = u->c.restart;
	if (!u->q->restart)
		return 0;
	r = restart_parse(u->q->restart, &u->restart, err);
	if (r == 0 && u->c.remove && u->restart.kind != RESTART_NO &&
	    u->restart.kind != RESTART_ON_FAILURE)
		r = rl_fail(err, EINVAL,
			    "'--restart %s' does not go with a container made with --rm",
			    u->q->restart);
	return r;
}

static int change(struct updating *u, struct rl_err *err)
{
	struct rl_err why;
	int r = life_state(u->c.rl, &u->c.ctr, &u->state, err);

	u->alive = r == 0 && ctr_is_alive(&u->state);
	u->limits = u->c.limits;
	if (r == 0)
		r = check_restart(u, err);
	if (r == 0)
		r = check_process(u, err);
	if (r == 0)
		r = limits_apply(u->q, &u->limits, &u->c.limit_flags, err);
	if (r == 0)
		r = write_kernel(u, &u->c.limits, &u->limits, err);
	if (r < 0)
		return r;
	r = tell_policy(u, err);
	if (r == 0)
		r = write_records(u, err);
	if (r == 0)
		return tell_record(u, err);
	if (r < 0 && write_kernel(u, &u->limits, &u->c.limits, &why) < 0)
		log_warn("the limits of '%s' stay changed: %s", u->c.ctr.name, why.msg);
	return r;
}

int engine_update(const struct rl *rl, const char *name, const struct update_req *req,
		  char ret_id[65], struct rl_err *err)
{
	struct updating u = { .q = req->q };
	auto_fd int turn = FD_NONE;
	int r = engine_load(rl, name, false, &u.c, err);

	if (r < 0)
		return r;
	/* once more, in our turn: somebody else may have changed it meanwhile */
	turn = ctr_edit(&u.c.ctr, err);
	r = turn < 0 ? turn : 0;
	if (r == 0) {
		char id[CTR_ID_LEN + 1];

		memcpy(id, u.c.ctr.id, sizeof(id));
		container_done(&u.c);
		r = engine_load(rl, id, false, &u.c, err);
	}
	if (r == 0)
		r = change(&u, err);
	if (r == 0 && !ctr_is_published(rl, &u.c.ctr))
		r = -ENOENT; /* what was changed went with it */
	r = life_gone(rl, &u.c.ctr, r, err);
	if (r == 0) {
		memcpy(ret_id, u.c.ctr.id, CTR_ID_LEN + 1);
		events_ctr(rl, &u.c.ctr, "update", NULL);
	}
	container_done(&u.c);
	return r;
}
