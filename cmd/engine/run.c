/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - engine: compose a container out of image, network and kernel parts, and run it
 *
 * Theory of operation: everything that can fail for the user's reasons (image, options, names,
 * files) happens here, before the monitor is forked; the container's folder is then complete and
 * published. From monitor_start() on the container belongs to the monitor; this side only relays.
 * The hooks below are where core, which knows neither images nor networks, meets storage and net.
 */
#include "config.h"

#include "cmd/engine/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/launch.h"
#include "core/monitor.h"
#include "core/relay.h"
#include "core/spec.h"
#include "net/net.h"
#include "storage/fetch.h"
#include "storage/layer.h"
#include "storage/rootfs.h"

/* All that a run holds; parts are released in run_done(). */
struct run {
	const struct rl *rl;
	const struct create_req *req;
	struct image image;
	bool has_image;
	struct session session;
	struct ctr ctr;
	struct spec_out out;
	struct spec *spec;
	struct rootfs rootfs;
	struct net_config net;
	struct net_helper helper;
	int *layer_fds; /* for the user data base look-up */
	size_t n_layers;
	bool has_cidfile; /* written by us */
};

static int hook_prepare(void *arg, int *ret_fd, struct rl_err *err)
{
	struct run *r = arg;

	return rootfs_prepare_hook(&r->rootfs, ret_fd, err);
}

static int hook_root(void *arg, int prepared_fd, int *ret_mount_fd, struct rl_err *err)
{
	struct run *r = arg;

	return rootfs_root_hook(&r->rootfs, prepared_fd, ret_mount_fd, err);
}

static int hook_netns(void *arg, int *ret_fd, struct rl_err *err)
{
	struct run *r = arg;

	return net_tap_setup(&r->net, ret_fd, err);
}

static int hook_net_start(void *arg, int tap_fd, int *ret_pidfd, struct rl_err *err)
{
	struct run *r = arg;
	int rc = net_start(&r->net, tap_fd, &r->helper, err);

	if (rc == 0)
		*ret_pidfd = r->helper.pidfd;
	return rc;
}

static void hook_net_stop(void *arg)
{
	struct run *r = arg;

	net_stop(&r->helper);
}

static int get_image(struct run *r, struct rl_err *err)
{
	const struct pull_req pull = {
		.name = r->req->image,
		.platform = r->req->platform,
		.tls_verify = -1,
		.retries = 3,
		.quiet = r->req->quiet,
	};
	enum pull_policy policy = PULL_MISSING;
	int rc;

	if (r->req->rootfs)
		return 0;
	if (r->req->pull) {
		rc = pull_policy_parse(r->req->pull, &policy, err);
		if (rc < 0)
			return rc;
	}
	rc = fetch_image(r->rl, &pull, policy, &r->image, err);
	r->has_image = rc == 0;
	return rc;
}

static int open_layers(struct run *r, struct rl_err *err)
{
	if (!r->has_image)
		return 0;
	r->layer_fds = calloc(r->image.diff_ids.n + 1, sizeof(*r->layer_fds));
	if (!r->layer_fds)
		return rl_oom(err);
	for (size_t i = 0; i < r->image.diff_ids.n; i++) {
		char key[LAYER_KEY_MAX];
		int rc = layer_key(r->image.diff_ids.v[i], &r->session, NULL, NULL, key, err);

		if (rc == 0)
			rc = layer_open(r->rl, key, err);
		if (rc < 0) {
			rl_wrap(err, "image '%s'", r->req->image);
			return rl_hint(err, "fetch it again: rl pull %s", r->req->image);
		}
		r->layer_fds[r->n_layers++] = rc;
	}
	return 0;
}

static int build_spec(struct run *r, struct rl_err *err)
{
	auto_free char *root = str_printf("%s/rootfs", r->ctr.dir);
	auto_free char *resolv = net_resolv_conf(&r->net);
	struct spec_in in = {
		.req = r->req,
		.image = r->has_image ? &r->image : NULL,
		.rl = r->rl,
		.session = &r->session,
		.id = r->ctr.id,
		.name = r->ctr.name,
		.ctr_dir = r->ctr.dir,
		.ctr_fd = r->ctr.dir_fd,
		.resolv_conf = resolv,
		.rootfs_path = r->req->rootfs ? r->req->image : root,
		.layer_fds = r->layer_fds,
		.n_layers = r->n_layers,
	};
	int rc;

	if (!root || !resolv)
		return rl_oom(err);
	rc = spec_build(&in, &r->out, err);
	if (rc == 0)
		rc = spec_parse(r->out.spec, &r->spec, err);
	return rc;
}

static int make_rootfs(struct run *r, struct rl_err *err)
{
	if (!r->has_image) {
		r->rootfs = (struct rootfs){ .rung = ROOTFS_DIR,
					     .dir = r->req->image,
					     .ctr_fd = r->ctr.dir_fd };
		return 0;
	}
	return rootfs_open(r->rl, &r->session, &r->image.diff_ids, &r->out.uids, &r->out.gids,
			   r->ctr.dir_fd, &r->rootfs, err);
}

/* The records beside config.json: what ps, inspect and rmi read. */
static int write_records(struct run *r, struct rl_err *err)
{
	bool sync = !r->req->rm;
	char created[32];
	json_auto_t *j = NULL;
	int rc = spec_write(&r->out, r->ctr.dir_fd, sync, err);

	if (rc == 0 && r->has_image)
		rc = io_replace_file(r->ctr.dir_fd, "image", r->image.id, 64, 0600,
				     sync ? IO_SYNC : IO_NOSYNC, err);
	if (rc < 0)
		return rc;
	time_rfc3339(created, wall_ns());
	j = json_pack("{s:i, s:s, s:s*, s:s, s:s, s:s, s:b, s:b, s:b, s:i}", "version", CTR_FORMAT,
		      "id", r->ctr.id, "name", r->ctr.name, "image_name", r->req->image, "image",
		      r->has_image ? r->image.id : "", "created", created, "rm", r->req->rm, "tty",
		      r->req->tty, "interactive", r->req->interactive, "stop_signal",
		      r->out.stop_signal);
	if (!j)
		return rl_oom(err);
	return json_write_file(r->ctr.dir_fd, "state.json", j, sync, err);
}

/* Exclusive, as Docker and Podman have it: an existing file belongs to another container. */
static int write_cidfile(struct run *r, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	int rc;

	if (!r->req->cidfile)
		return 0;
	fd = open(r->req->cidfile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		rc = rl_fail_sys(err, errno, "create the cidfile '%s'", r->req->cidfile);
		return rc == -EEXIST ? rl_hint(err, "remove it, or name another one") : rc;
	}
	r->has_cidfile = true;
	rc = io_write_all(fd, r->ctr.id, CTR_ID_LEN);
	return rc < 0 ? rl_fail_sys(err, -rc, "write the cidfile '%s'", r->req->cidfile) : 0;
}

/* Everything up to the point where the monitor takes over. */
static int create(struct run *r, struct rl_err *err)
{
	int rc = r->req->name ? ctr_name_check(r->req->name, err) : 0;

	if (rc == 0)
		rc = get_image(r, err);
	if (rc == 0)
		rc = session_open(r->rl, &r->session, err);
	if (rc == 0)
		rc = open_layers(r, err);
	if (rc == 0)
		rc = ctr_create(r->rl, r->req->name, &r->ctr, err);
	if (rc == 0)
		rc = build_spec(r, err);
	if (rc == 0)
		rc = make_rootfs(r, err);
	if (rc == 0)
		rc = write_cidfile(r, err);
	if (rc == 0)
		rc = write_records(r, err);
	if (rc == 0)
		rc = ctr_publish(r->rl, &r->ctr, err);
	return rc;
}

static void warn_if_oom(const struct run *r, const struct ctr_exit *x)
{
	if (!x->oom || x->code != 137)
		return;
	log_warn("'%s' was killed because it ran out of memory: limit %.1f MiB, peak %.1f MiB; "
		 "raise --memory or use less",
		 r->ctr.name, (double)x->memory_max / 1048576, (double)x->memory_peak / 1048576);
}

static int run(struct run *r, struct ctr_exit *ret_exit, struct rl_err *err)
{
	struct launch launch = {
		.spec = r->spec,
		.session_fd = r->session.userns_fd,
		.uids = r->out.uids,
		.gids = r->out.gids,
		.seccomp = r->out.filter.n > 0 ? &r->out.filter : NULL,
		.hooks = { r, hook_prepare, hook_root,
			   r->out.netmode == NETMODE_PRIVATE ? hook_netns : NULL },
		.stdio = { FD_NONE, FD_NONE, FD_NONE },
		.init = r->req->init,
		.one_id = r->session.rung == SESSION_ONE_ID,
	};
	const struct monitor_cfg cfg = {
		.rl = r->rl,
		.ctr = &r->ctr,
		.session = &r->session,
		.launch = &launch,
		.limits = r->out.limits,
		.want_cgroup = r->out.limit_flags.n > 0,
		.strict_limits = r->req->strict_limits,
		.interactive = r->req->interactive,
		.terminal = r->req->tty,
		.remove = r->req->rm,
		.stop_signal = r->out.stop_signal,
		.hooks = { r, hook_net_start, hook_net_stop },
	};
	struct monitor_client client;
	struct monitor_msg end;
	struct relay relay;
	int rc;

	launch.new_cgroupns = true;
	relay_block_signals();
	rc = monitor_start(&cfg, &client, err);
	if (rc < 0)
		return rc;
	relay = (struct relay){ client.control, client.attach, r->req->interactive, r->req->tty };
	rc = relay_run(&relay, &end, err);
	monitor_client_close(&client);
	if (rc < 0)
		return rc;
	warn_if_oom(r, &end.exit);
	*ret_exit = end.exit;
	return 0;
}

static void run_done(struct run *r)
{
	for (size_t i = 0; i < r->n_layers; i++)
		fd_close(r->layer_fds[i]);
	free(r->layer_fds);
	rootfs_close(&r->rootfs);
	spec_free(r->spec);
	spec_out_done(&r->out);
	ctr_done(&r->ctr);
	session_close(&r->session);
	image_done(&r->image);
}

int engine_run(const struct rl *rl, const struct create_req *req, struct ctr_exit *ret_exit,
	       struct rl_err *err)
{
	struct run r = {
		.rl = rl,
		.req = req,
		.session = { .userns_fd = FD_NONE },
		.ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
		.helper = { .pidfd = FD_NONE, .control_fd = FD_NONE },
	};
	struct rl_err ignored;
	int rc;

	net_config_default(&r.net);
	rc = create(&r, err);
	if (rc < 0 && r.ctr.dir && ctr_remove(rl, &r.ctr, r.session.userns_fd, &ignored) < 0)
		log_debug("%s", ignored.msg); /* the next sweep tries again */
	if (rc == 0)
		rc = run(&r, ret_exit, err);
	if (rc < 0 && r.has_cidfile)
		(void)unlink(req->cidfile); /* its container never was */
	run_done(&r);
	return rc;
}
