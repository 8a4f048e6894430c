/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c - engine: bring a created container to life, and stay with it if asked
 *
 * Theory of operation: what the monitor needs is prepared here (seccomp filter, root file system),
 * then the monitor is forked and the container belongs to it; this side only relays. The hooks
 * below are where core, which knows neither images nor networks, meets storage and net.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/engine/bindhelp.h"
#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/engine/logopt.h"
#include "cmd/engine/nets.h"
#include "cmd/engine/notify.h"
#include "cmd/engine/nsjoin.h"
#include "cmd/engine/secretopt.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/copyup.h"
#include "core/exec_spec.h"
#include "core/launch.h"
#include "core/monitor.h"
#include "core/relay.h"
#include "net/net.h"
#include "storage/fetch.h"
#include "storage/rootfs.h"
#include "storage/volume.h"

/* What a start holds besides the container */
struct starting {
	struct container *c;
	struct rootfs rootfs;
	struct net_config net;
	struct nets nets;
	struct net_helper helper, forwarder;
	struct logsink log;
	struct secrets secrets;
	int keep_fds[EXEC_KEEP_MAX]; /* --preserve-fds: copies, owned */
	uint32_t keep[EXEC_KEEP_MAX];
	size_t n_keep;
};

static int hook_open_ns(void *arg, const char *path, int *ret_fd, struct rl_err *err)
{
	const struct starting *s = arg;

	return nsjoin_open(s->c->rl, path, ret_fd, err);
}

static int hook_prepare(void *arg, int *ret_fd, struct rl_err *err)
{
	struct starting *s = arg;

	return rootfs_prepare_hook(&s->rootfs, ret_fd, err);
}

static int hook_root(void *arg, int prepared_fd, int *ret_mount_fd, struct rl_err *err)
{
	struct starting *s = arg;

	return rootfs_root_hook(&s->rootfs, prepared_fd, ret_mount_fd, err);
}

static int hook_netns(void *arg, int *ret_fd, struct rl_err *err)
{
	struct starting *s = arg;

	return net_tap_setup(&s->net, ret_fd, err);
}

static int hook_net_start(void *arg, int tap_fd, int *ret_pidfd, struct rl_err *err)
{
	struct starting *s = arg;
	int r = net_start(&s->net, tap_fd, &s->helper, err);

	if (r == 0)
		*ret_pidfd = s->helper.pidfd;
	return r;
}

/* @why: its last words, or how it ended */
static void stop_helper(struct net_helper *h, char *why, size_t room)
{
	int r = why ? net_why(h, why, room) : 0, status = net_stop(h);

	if (r == -ENODATA && WIFSIGNALED(status))
		(void)snprintf(why, room, "signal %d", WTERMSIG(status));
	else if (r == -ENODATA)
		(void)snprintf(why, room, "status %d", WEXITSTATUS(status));
}

static void hook_net_stop(void *arg, char *why, size_t room)
{
	struct starting *s = arg;

	stop_helper(&s->helper, why, room);
}

static int hook_ports_start(void *arg, int netns_fd, int *ret_pidfd, struct rl_err *err)
{
	struct starting *s = arg;
	struct container *c = s->c;
	int r = publish_start(&s->net, &c->ports, &c->sockets, c->ctr.name, c->session.userns_fd,
			      netns_fd, &s->forwarder, err);

	if (r == 0)
		*ret_pidfd = s->forwarder.pidfd;
	return r;
}

static void hook_ports_stop(void *arg, char *why, size_t room)
{
	struct starting *s = arg;

	stop_helper(&s->forwarder, why, room);
}

static void hook_ports_release(void *arg)
{
	struct starting *s = arg;

	publish_close(&s->c->sockets);
}

static unsigned hook_ports_clients(void *arg)
{
	struct starting *s = arg;
	unsigned status = publish_status(&s->forwarder);

	return (status & PUBLISH_STATUS ? MONITOR_CLIENTS_KNOWN : 0) |
	       (status & PUBLISH_REAL4 ? MONITOR_CLIENTS_REAL4 : 0) |
	       (status & PUBLISH_REAL6 ? MONITOR_CLIENTS_REAL6 : 0);
}

static int hook_networks(void *arg, int tap, bool fresh, const struct control_idle *idle,
			 struct rl_err *err)
{
	struct starting *s = arg;
	int r = nets_follow(&s->nets, tap, fresh, idle, err);

	if (r == 0)
		net_tell_servers(&s->helper, &s->net);
	return r;
}

static int hook_netns_of(void *arg, const char *id)
{
	const struct starting *s = arg;

	return attach_netns(&s->nets.a, id);
}

static void hook_networks_end(void *arg)
{
	struct starting *s = arg;

	attach_end(&s->nets.a);
}

/* A container that was read back has only the text of its filter. */
static int get_filter(struct container *c, struct rl_err *err)
{
	const json_t *sec = json_object_get(json_object_get(c->spec_json, "linux"), "seccomp");

	if (c->filter.n > 0 || !json_is_object(sec))
		return 0;
	return seccomp_compile(c->rl, sec, &c->filter, err);
}

int container_rootfs(const struct container *c, struct rootfs *ret, struct rl_err *err)
{
	const bool foreign = !idmap_is_identity(&c->uids) || !idmap_is_identity(&c->gids);
	int r;

	if (!c->image_id[0] && !c->over_folder) {
		*ret = (struct rootfs){ .rung = ROOTFS_DIR,
					.dir = c->image_name,
					.in_session = foreign,
					.ctr_fd = c->ctr.dir_fd };
		return 0;
	}
	r = c->over_folder
		    ? rootfs_open_over(c->rl, &c->session, c->image_name, c->ctr.dir_fd, ret, err)
		    : rootfs_open(c->rl, &c->session, &c->diff_ids, &c->uids, &c->gids,
				  c->ctr.dir_fd, ret, err);
	if (r == -ENOENT && c->image_id[0]) { /* somebody has removed it since we looked */
		rl_wrap(err, "image '%s'", c->image_name);
		return rl_hint(err, "fetch it again: rl pull %s", c->image_name);
	}
	if (r == 0) {
		ret->ephemeral = c->remove;
		ret->in_session = foreign;
	}
	return r;
}

/*
 * Threat: a number that the caller did not open is one of ours by now, the data folder for example.
 * Defence: ours are all close-on-exec; what came through our exec is not.
 */
static int take_fds(struct starting *s, uint64_t n, struct rl_err *err)
{
	if (n > EXEC_KEEP_MAX)
		return rl_fail(err, EINVAL, "--preserve-fds: more than %u descriptors",
			       EXEC_KEEP_MAX);
	for (int fd = 3; fd < 3 + (int)n; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || flags & FD_CLOEXEC)
			return rl_fail(err, EBADF, "--preserve-fds: descriptor %d is not open", fd);
		s->keep_fds[s->n_keep] = fcntl(fd, F_DUPFD_CLOEXEC, 3 + (int)n);
		if (s->keep_fds[s->n_keep] < 0)
			return rl_fail_sys(err, errno, "--preserve-fds: descriptor %d", fd);
		s->keep[s->n_keep++] = (uint32_t)fd;
	}
	return 0;
}

/* Those that are variables go to the others, in memory alone; one of that name is replaced. */
static int merge_env(struct container *c, const struct secrets *s, struct rl_err *err)
{
	size_t n = 0, k;
	const char **env;

	while (c->spec.env[n])
		n++;
	env = calloc(n + s->n_env + 1, sizeof(*env));
	if (!env)
		return rl_oom(err);
	memcpy(env, c->spec.env, n * sizeof(*env));
	for (size_t i = 0; i < s->n_env; i++) {
		size_t len = strcspn(s->env[i], "=") + 1;

		for (k = 0; k < n && strncmp(env[k], s->env[i], len) != 0; k++)
			;
		env[k] = s->env[i];
		n += k == n;
	}
	free(c->spec.env);
	c->spec.env = env;
	return 0;
}

static int take_secrets(struct starting *s, struct rl_err *err)
{
	const json_t *asked = json_object_get(s->c->asked, "secrets"), *w;
	auto_strv struct strv words = { 0 };
	size_t i;
	int r;

	json_array_foreach (asked, i, w)
		if (json_is_string(w) && strv_add(&words, json_string_value(w)) < 0)
			return rl_oom(err);
	r = secretopt_load(s->c->rl, &words, &s->secrets, err);
	return r == 0 && s->secrets.n_env > 0 ? merge_env(s->c, &s->secrets, err) : r;
}

static void warn_if_oom(const struct container *c, const struct ctr_exit *x)
{
	if (!x->oom || x->code != 137)
		return;
	log_warn("'%s' was killed because it ran out of memory: limit %.1f MiB, peak %.1f MiB%s%s; "
		 "raise --memory or use less",
		 c->ctr.name, (double)x->memory_max / 1048576, (double)x->memory_peak / 1048576,
		 x->biggest[0] ? ", most of it had " : "", x->biggest);
}

/* Detached: only the word that it runs, and its warnings, are waited for. */
static int wait_started(int control, struct rl_err *err)
{
	const struct relay r = { .kind = RELAY_RUN, .control = control, .attach = FD_NONE };

	return relay_wait_started(&r, err);
}

/* Does systemd wait for this container, and for what? */
static bool notifies(const struct container *c, const char *mode)
{
	const char *asked = json_string_value(json_object_get(c->asked, "sdnotify"));

	return asked && strcmp(asked, mode) == 0 && notify_is_wanted();
}

/* In the foreground we are the unit's main process ourselves. */
static void notify_attached(void)
{
	notify_ready(0);
}

/* In the background the unit goes on with the monitor. */
static int notify_detached(struct container *c, struct rl_err *err)
{
	bool healthy = notifies(c, "healthy");

	if (healthy && life_wait_healthy(c->rl, &c->ctr, err) < 0)
		return -err->code;
	if (healthy || notifies(c, "conmon"))
		notify_ready((int)io_lock_holder(c->ctr.lock_fd));
	return 0;
}

static int stay(struct starting *s, const struct monitor_client *client,
		const struct start_req *req, struct ctr_exit *ret_exit, struct rl_err *err)
{
	const struct relay relay = {
		.kind = RELAY_RUN,
		.control = client->control,
		.attach = client->attach,
		.stdin_on = req->interactive && s->c->interactive && !s->log.passthrough,
		.no_out = req->no_out,
		.no_err = req->no_err,
		.terminal = s->c->tty,
		.sig_proxy = req->sig_proxy,
		.pipeline = s->c->remove,
		.keys = req->keys,
		.on_started = notifies(s->c, "conmon") ? notify_attached : NULL,
	};
	struct relay_end end;
	int r = relay_run(&relay, &end, err);

	if (r < 0)
		return r;
	if (end.how == RELAY_ENDED)
		warn_if_oom(s->c, &end.exit);
	*ret_exit = end.exit;
	if (end.how == RELAY_SIGNALLED)
		ret_exit->code = 128 + end.signal;
	return 0;
}

static int hook_reread(void *arg, struct rl_err *err)
{
	const struct starting *s = arg;

	return record_reread(s->c, err);
}

static struct monitor_hooks monitor_hooks(struct starting *s)
{
	const struct container *c = s->c;
	const bool own_net = c->net == CONTAINER_NET_PRIVATE;

	return (struct monitor_hooks){
		.arg = s,
		.net_start = hook_net_start,
		.net_stop = hook_net_stop,
		.ports_start = c->ports.n > 0 ? hook_ports_start : NULL,
		.ports_stop = hook_ports_stop,
		.ports_release = hook_ports_release,
		.ports_clients = hook_ports_clients,
		.networks = own_net ? hook_networks : NULL,
		.netns = hook_netns_of,
		.networks_end = hook_networks_end,
		.reread = hook_reread,
		.has_networks =
			own_net && faccessat(c->ctr.dir_fd, CONTAINER_NETWORKS, F_OK, 0) == 0,
	};
}

static int run_monitor(struct starting *s, const struct start_req *req, struct ctr_exit *ret_exit,
		       struct rl_err *err)
{
	struct container *c = s->c;
	struct launch launch = {
		.spec = &c->spec,
		.session_fd = c->session.userns_fd,
		.session = &c->session,
		.uids = c->uids,
		.gids = c->gids,
		.seccomp = c->filter.n > 0 ? &c->filter : NULL,
		.hooks = { s, hook_open_ns, hook_prepare, hook_root,
			   c->net == CONTAINER_NET_PRIVATE ? hook_netns : NULL },
		.stdio = { s->log.stdio[0], s->log.stdio[1], s->log.stdio[2] },
		.keep_fds = s->keep_fds,
		.keep = s->keep,
		.n_keep = s->n_keep,
		.secrets = &s->secrets,
		.init = c->init,
		.one_id = c->session.rung == SESSION_ONE_ID,
		.new_cgroupns = !c->host_cgroupns && !c->spec.ns[SPEC_NS_CGROUP].path,
	};
	const struct idfiles files = container_idfiles(c);
	const struct monitor_cfg cfg = {
		.rl = c->rl,
		.ctr = &c->ctr,
		.session = &c->session,
		.launch = &launch,
		.limits = c->limits,
		.limit_flags = &c->limit_flags,
		.strict_limits = c->strict_limits,
		.interactive = c->interactive,
		.terminal = c->tty,
		.remove = c->remove,
		.detached = !req->attach,
		.keep = req->keep,
		.stop_signal = c->stop_signal,
		.image_name = c->image_name,
		.labels = c->labels,
		.files = &files,
		.stop_timeout = c->stop_timeout,
		.run_timeout = c->run_timeout,
		.restart = c->restart,
		.health = &c->health,
		.log_dir = s->log.dir,
		.log_file = s->log.file,
		.journal = s->log.journal,
		.journal_fields = s->log.fields,
		.log_max = s->log.max,
		.passthrough = s->log.passthrough,
		.hooks = monitor_hooks(s),
	};
	struct monitor_client client;
	int r;

	r = monitor_start(&cfg, &client, err);
	publish_close(&c->sockets); /* the monitor has its own */
	secrets_wipe(&s->secrets);
	if (r < 0)
		return r;
	r = req->attach ? stay(s, &client, req, ret_exit, err) : wait_started(client.control, err);
	monitor_client_close(&client);
	return r;
}

static bool is_filled(const struct rl *rl, const char *name)
{
	auto_free char *path = str_printf("volumes/%s/_data", name);
	auto_fd int fd = path ? openat(rl->data_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 ||
	       copyup_is_empty(fd) != 1; /* one that we may not read: what it was for is done */
}

/*
 * What a volume started with is in it now, and is not put there again when somebody empties it. One that
 * is empty still gets what the next image has at its place.
 */
static void settle_volumes(const struct container *c)
{
	for (size_t i = 0; i < c->n_volumes; i++) {
		const struct spec_volume *v = &c->volumes[i];
		struct rl_err err = { 0 };
		int r = 0;

		if (v->copy_up && !(v->anonymous && c->remove) && is_filled(c->rl, v->name))
			r = volume_set_copied(c->rl, v->name, &err);
		if (r < 0 && r != -ENOENT) /* else somebody has removed it by now */
			log_warn("volume '%s': %s", v->name, err.msg);
	}
}

int engine_start(struct container *c, const struct start_req *req, struct ctr_exit *ret_exit,
		 struct rl_err *err)
{
	struct starting s = {
		.c = c,
		.helper = { .pidfd = FD_NONE, .control_fd = FD_NONE },
		.log = LOGSINK_INIT,
		.nets = { .networks_fd = FD_NONE },
	};
	struct rl_err ignored;
	bool given_away = false;
	int r;

	assert(c->spec_json); /* or it would be started without its filter */
	bindhelp_pin(c);
	r = ports_net_config(c, &s.net, err);
	if (r == 0)
		r = nets_open(&s.nets, c, &s.net, err);
	if (r == 0)
		r = get_filter(c, err);
	if (r == 0 && c->sockets.n == 0)
		r = publish_bind(&c->ports, &c->sockets, err);
	if (r == 0)
		r = container_rootfs(c, &s.rootfs, err);
	if (r == 0)
		r = logsink_open(c, &s.log, err);
	if (r == 0)
		r = take_fds(&s, req->preserve_fds, err);
	if (r == 0)
		r = take_secrets(&s, err);
	if (r == 0) {
		given_away = true;         /* from here on the monitor cleans up */
		json_decref(c->spec_json); /* it would keep that, too, in most of its memory */
		c->spec_json = NULL;
		if (req->attach)
			relay_block_signals(req->sig_proxy);
		if (req->attach && c->tty) /* what asks at once finds it right */
			(void)relay_terminal_size(&c->spec.rows, &c->spec.cols);
		r = run_monitor(&s, req, ret_exit, err);
	}
	if (r < 0 && !given_away && !req->keep) {
		if (ctr_remove(c->rl, &c->ctr, c->session.userns_fd, &ignored) < 0)
			log_debug("%s", ignored.msg); /* the next sweep tries again */
		container_event(c, "remove");
	}
	if (r == 0)
		settle_volumes(c);
	rootfs_close(&s.rootfs);
	logsink_close(&s.log);
	nets_close(&s.nets);
	secrets_done(&s.secrets);
	for (size_t i = 0; i < s.n_keep; i++)
		fd_close(s.keep_fds[i]);
	return r == 0 && !req->attach ? notify_detached(c, err) : r;
}
