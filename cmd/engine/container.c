/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container.c - engine: make a container out of a request
 *
 * Theory of operation: everything that can fail for the user's reasons (image, options, names,
 * files) happens in engine_create(), cheap checks before dear ones; the folder is published when it
 * is complete (for rl run: by the monitor, core/ctr.c). A failure on the way removes what was made.
 */
#include "config.h"

#include "cmd/engine/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/engine/healthopt.h"
#include "cmd/engine/life.h"
#include "cmd/engine/logopt.h"
#include "cmd/engine/nets.h"
#include "cmd/engine/secretopt.h"
#include "cmd/engine/settings.h"
#include "cmd/engine/volumes_from.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/ctr_state.h"
#include "core/events.h"
#include "net/net.h"
#include "storage/fetch.h"
#include "storage/layer.h"
#include "storage/volume.h"

/* What only the making of a container needs */
struct making {
	struct create_req req; /* a copy, the volumes of others added */
	struct strv volumes;   /* what req.volume is then */
	struct container *c;
	struct image image;
	int *layer_fds; /* for the look-up of users in the image */
	size_t n_layers;
	bool has_cidfile; /* written by us */
	int volumes_fd;   /* volume_hold() */
	int networks_fd;  /* network_hold() */
};

/* --rootfs DIR or DIR:O. It may be typed relative to where we are; the monitor works elsewhere. */
static int take_folder(struct container *c, const char *typed, struct rl_err *err)
{
	const size_t len = strlen(typed);
	auto_free char *path = NULL;

	c->over_folder = len > 2 && strcmp(typed + len - 2, ":O") == 0;
	path = strndup(typed, c->over_folder ? len - 2 : len);
	if (!path)
		return rl_oom(err);
	c->image_name = realpath(path, NULL);
	return c->image_name ? 0 : rl_fail_sys(err, errno, "the folder '%s' of --rootfs", path);
}

static int get_image(struct making *m, struct rl_err *err)
{
	const struct create_req *req = &m->req;
	const struct pull_req pull = {
		.name = req->image,
		.platform = req->platform,
		.authfile = req->authfile,
		.creds = req->creds,
		.cert_dir = req->cert_dir,
		.tls_verify = req->tls_no_verify ? 0 : -1,
		.retries = 3,
		.quiet = req->quiet,
	};
	enum pull_policy policy = PULL_MISSING;
	int r = 0;

	if (req->rootfs)
		return take_folder(m->c, req->image, err);
	m->c->image_name = strdup(req->image);
	if (!m->c->image_name)
		return rl_oom(err);
	if (req->pull)
		r = pull_policy_parse(req->pull, &policy, err);
	if (r == 0)
		r = fetch_image(m->c->rl, &pull, policy, &m->image, err);
	if (r < 0)
		return r;
	memcpy(m->c->image_id, m->image.id, sizeof(m->c->image_id));
	return strv_copy(&m->c->diff_ids, &m->image.diff_ids) < 0 ? rl_oom(err) : 0;
}

static int open_layers(struct making *m, struct rl_err *err)
{
	const struct strv *ids = &m->c->diff_ids;

	m->layer_fds = calloc(ids->n + 1, sizeof(*m->layer_fds));
	if (!m->layer_fds)
		return rl_oom(err);
	for (size_t i = 0; i < ids->n; i++) {
		char key[LAYER_KEY_MAX];
		int r = layer_key(ids->v[i], &m->c->session, NULL, NULL, key, err);

		if (r == 0)
			r = layer_open(m->c->rl, key, err);
		if (r == -ENOENT) {
			rl_fail(err, ENOENT, "image '%s' was unpacked for other ids than %s",
				m->req.image,
				m->c->session.rung == SESSION_FULL ? "those of now"
								   : "the one that there is now");
			return rl_hint(err, "fetch it again: rl pull %s", m->req.image);
		}
		if (r < 0) {
			rl_wrap(err, "image '%s'", m->req.image);
			return rl_hint(err, "fetch it again: rl pull %s", m->req.image);
		}
		m->layer_fds[m->n_layers++] = r;
	}
	return 0;
}

/* What spec_build() composed becomes the container's. */
static void take_out(struct container *c, struct spec_out *o)
{
	static const enum container_net nets[] = {
		[NETMODE_PRIVATE] = CONTAINER_NET_PRIVATE, [NETMODE_NONE] = CONTAINER_NET_NONE,
		[NETMODE_HOST] = CONTAINER_NET_HOST,       [NETMODE_JOINED] = CONTAINER_NET_JOINED,
		[NETMODE_PATH] = CONTAINER_NET_PATH,
	};

	c->config_text = spec_text(o);
	c->filter = o->filter;
	o->filter = (struct seccomp_filter){ 0 };
	c->spec_json = TAKE_PTR(o->spec);
	c->labels = TAKE_PTR(o->labels);
	c->asked = TAKE_PTR(o->asked);
	c->mounts = TAKE_PTR(o->mounts);
	c->limits = o->limits;
	c->limit_flags = o->limit_flags;
	o->limit_flags = (struct strv){ 0 };
	c->uids = o->uids;
	c->gids = o->gids;
	c->net = nets[o->netmode];
	c->stop_signal = o->stop_signal;
	c->host_cgroupns = o->host_cgroupns;
	c->volumes = TAKE_PTR(o->volumes);
	c->n_volumes = o->n_volumes;
	o->n_volumes = 0;
}

static int take_net_words(struct making *m, struct rl_err *err)
{
	const struct create_req *req = &m->req;

	if (strv_add(&m->c->net_words, req->network ? req->network : "private") < 0 ||
	    strv_copy(&m->c->net_words, &req->host_port) < 0)
		return rl_oom(err);
	/* names of containers are answered on the way to these */
	for (size_t i = 0; nets_is_named(m->c) && i < req->dns.n; i++)
		if (strcmp(req->dns.v[i], "none") != 0 &&
		    strv_take(&m->c->net_words, str_printf("dns=%s", req->dns.v[i])) < 0)
			return rl_oom(err);
	/* it asks our name server, and has no list of its own */
	if (req->dns_search.n == 0 && (req->dns.n == 0 || nets_is_named(m->c)) &&
	    strv_add(&m->c->net_words, "search") < 0)
		return rl_oom(err);
	return nets_take(m->c, req, &m->networks_fd, err);
}

static int build_spec(struct making *m, struct rl_err *err)
{
	struct container *c = m->c;
	auto_free char *root = str_printf("%s/rootfs", c->ctr.dir), *resolv = NULL;
	struct spec_out out = { 0 };
	struct net_config net;
	struct spec_in in = {
		.req = &m->req,
		.image = m->req.rootfs ? NULL : &m->image,
		.rl = c->rl,
		.session = &c->session,
		.id = c->ctr.id,
		.name = c->ctr.name,
		.ctr_dir = c->ctr.dir,
		.ctr_fd = c->ctr.dir_fd,
		.rootfs_path = m->req.rootfs ? c->image_name : root,
		.layer_fds = m->layer_fds,
		.n_layers = m->n_layers,
	};
	int r;

	r = take_net_words(m, err);
	if (r == 0)
		r = ports_net_config(c, &net, err);
	if (r < 0)
		return r;
	/* a file less to read for who needs none; spec_ns.c decides about the modes */
	if (strcmp(c->net_words.v[0], "none") != 0 && strcmp(c->net_words.v[0], "host") != 0) {
		in.resolv_conf = resolv = net_resolv_conf(&net);
		if (!resolv)
			return rl_oom(err);
	}
	if (!root)
		return rl_oom(err);
	m->volumes_fd = volume_hold(c->rl, err); /* until record_write() has said which */
	if (m->volumes_fd < 0 && m->volumes_fd != FD_NONE)
		return m->volumes_fd;
	r = spec_build(&in, &out, err);
	if (r < 0)
		return r;
	take_out(c, &out);
	spec_out_done(&out);
	if (!c->config_text ||
	    (m->image.name &&
	     json_object_set_new(c->asked, "image_ref", json_string(m->image.name)) < 0))
		return rl_oom(err);
	r = spec_parse(c->spec_json, &c->spec, err);
	c->strict_limits = m->req.strict_limits;
	return r == 0 && c->limit_flags.n > 0 && !c->strict_limits
		       ? settings_strict_limits(&c->strict_limits, err)
		       : r;
}

/* Exclusive, as Docker and Podman have it: an existing file belongs to another container. */
static int write_cidfile(struct making *m, struct rl_err *err)
{
	const struct idfiles f = container_idfiles(m->c);
	int r = f.cid ? idfile_create(f.cid, m->c->ctr.id, err) : 0;

	m->has_cidfile = f.cid && r == 0;
	return r;
}

/* Paths of files that are written later, from elsewhere; whether the first is there already, and secrets. */
static int set_files(struct container *c, const struct create_req *q, struct rl_err *err)
{
	const char *const typed[] = { q->cidfile, q->pidfile, q->conmon_pidfile };
	static const char *const keys[] = { "cid", "pid", "monitor_pid" };

	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		auto_free char *path = typed[i] ? idfile_path(typed[i]) : NULL;

		if (!typed[i])
			continue;
		if (!c->files)
			c->files = json_object();
		if (!path || json_object_set_new(c->files, keys[i], json_string(path)) < 0)
			return rl_oom(err);
	}
	if (q->cidfile && idfile_check(c->rl, q->cidfile, q->replace ? q->name : NULL, err) < 0)
		return -err->code;
	return secretopt_check(c->rl, &q->secret, err);
}

struct idfiles container_idfiles(const struct container *c)
{
	return (struct idfiles){ json_string_value(json_object_get(c->files, "cid")),
				 json_string_value(json_object_get(c->files, "pid")),
				 json_string_value(json_object_get(c->files, "monitor_pid")) };
}

/* --replace: as late as possible, so that a mistake in the options costs nobody a container. */
static int replace(const struct rl *rl, const char *name, struct rl_err *err)
{
	const struct life_grace grace = { .timeout_s = LIFE_TIMEOUT_OWN };
	struct rl_err none;
	struct ctr old;
	int r = ctr_find(rl, name, &old, &none);

	if (r < 0)
		return 0;
	/* the name may also be the start of some other one's id */
	if (strcmp(old.name, name) == 0)
		r = life_remove(rl, &old, &grace, err);
	ctr_done(&old);
	return r < 0 ? rl_wrap(err, "replace '%s'", name) : 0;
}

static int add_volumes(struct making *m, struct rl_err *err)
{
	const struct strv *own = &m->req.volume;
	int r;

	if (m->req.volumes_from.n == 0)
		return 0;
	r = volumes_from(m->c->rl, &m->req.volumes_from, own, &m->volumes, err);
	if (r == 0 && strv_copy(&m->volumes, own) < 0)
		return rl_oom(err);
	m->req.volume = m->volumes; /* borrowed; m->volumes owns */
	return r;
}

static int set_log(struct making *m, struct rl_err *err)
{
	struct container *c = m->c;
	char id[13], image[13];
	json_auto_t *names = NULL;

	(void)snprintf(id, sizeof(id), "%.12s", c->ctr.id);
	(void)snprintf(image, sizeof(image), "%.12s", c->image_id);
	names = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "ID", id, "FullID", c->ctr.id, "Name",
			  c->ctr.name, "ImageName", c->image_name, "ImageID", image, "ImageFullID",
			  c->image_id);
	return names ? logopt_parse(m->req.log_driver, &m->req.log_opt, names, &c->log, err)
		     : rl_oom(err);
}

static int make(struct making *m, struct rl_err *err)
{
	const struct create_req *req = &m->req;
	struct container *c = m->c;
	int r = req->name ? ctr_name_check(req->name, err) : 0;

	if (r == 0 && req->replace && !req->name)
		r = rl_fail(err, EINVAL, "'--replace' needs '--name'");
	if (r == 0)
		r = restart_parse(req->restart, &c->restart, err);
	if (r == 0)
		r = restart_goes_with_rm(&c->restart, req->rm, err);
	if (r == 0)
		r = set_files(c, req, err);
	if (r == 0)
		r = add_volumes(m, err);
	m->req.read_only |= req->hardened;
	c->tty = req->tty;
	c->interactive = req->interactive;
	c->remove = req->rm;
	c->run = req->run;
	c->init = req->init;
	c->stop_timeout = req->stop_timeout;
	c->run_timeout = (int64_t)req->timeout;
	c->created_ns = wall_ns();
	if (r == 0)
		r = get_image(m, err);
	if (r == 0)
		r = health_build(req, m->image.config, &c->health, err);
	if (r == 0)
		r = session_open(c->rl, &c->session, err);
	if (r == 0)
		r = open_layers(m, err);
	if (r == 0 && req->replace)
		r = replace(c->rl, req->name, err);
	if (r == 0)
		r = ctr_create(c->rl, req->name, &c->ctr, err);
	if (r == 0)
		r = build_spec(m, err);
	if (r == 0)
		r = set_log(m, err);
	if (r == 0)
		r = ports_take(c, req, json_object_get(m->image.config, "config"), err);
	if (r == 0)
		r = write_cidfile(m, err);
	if (r == 0)
		r = record_write(c, err);
	free(TAKE_PTR(c->config_text)); /* the monitor keeps what we hold */
	if (r < 0)
		return r;
	container_event(c, "create"); /* first: once it can be seen it can be removed */
	if (!req->run)
		r = ctr_publish(c->rl, &c->ctr, err);
	if (r < 0)
		container_event(c, "remove");
	return r;
}

void container_event(const struct container *c, const char *status)
{
	events_emit(c->rl,
		    &(const struct event){ .type = "container",
					   .status = status,
					   .id = c->ctr.id,
					   .name = c->ctr.name,
					   .image = c->image_name,
					   .attributes = c->labels },
		    1);
}

int engine_create(const struct rl *rl, const struct create_req *req, struct container *ret,
		  struct rl_err *err)
{
	struct container c = {
		.rl = rl,
		.ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
		.session = { .userns_fd = FD_NONE },
	};
	struct making m = { .req = *req, .c = &c, .volumes_fd = FD_NONE, .networks_fd = FD_NONE };
	struct rl_err ignored;
	int r;

	m.req.name = req->name ? ctr_name_bare(req->name) : NULL;
	r = make(&m, err);
	for (size_t i = 0; i < m.n_layers; i++)
		fd_close(m.layer_fds[i]);
	free(m.layer_fds);
	fd_close(m.volumes_fd);
	fd_close(m.networks_fd);
	image_done(&m.image);
	strv_done(&m.volumes);
	if (r == 0) {
		*ret = c;
		return 0;
	}
	if (c.ctr.dir && ctr_remove(rl, &c.ctr, c.session.userns_fd, &ignored) < 0)
		log_debug("%s", ignored.msg); /* the next sweep tries again */
	if (m.has_cidfile)
		idfile_drop(container_idfiles(&c).cid, c.ctr.id); /* its container never was */
	container_done(&c);
	return r;
}

int engine_load(const struct rl *rl, const char *name, bool with_session, struct container *ret,
		struct rl_err *err)
{
	struct container c = {
		.rl = rl,
		.ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
		.session = { .userns_fd = FD_NONE },
	};
	int r = ctr_find(rl, name, &c.ctr, err);

	if (r == 0)
		r = record_read(&c, err);
	if (r == 0 && with_session)
		r = session_open(rl, &c.session, err);
	if (r < 0) {
		container_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void container_done(struct container *c)
{
	for (size_t i = 0; i < c->n_volumes; i++) {
		free(c->volumes[i].name);
		free(c->volumes[i].dest);
	}
	free(c->volumes);
	strv_done(&c->net_words);
	publish_done(&c->ports);
	publish_close(&c->sockets);
	spec_done(&c->spec);
	seccomp_done(&c->filter);
	free(c->config_text);
	json_decref(c->spec_json);
	json_decref(c->labels);
	json_decref(c->files);
	json_decref(c->log);
	json_decref(c->asked);
	json_decref(c->mounts);
	strv_done(&c->diff_ids);
	strv_done(&c->limit_flags);
	health_conf_done(&c->health);
	free(c->image_name);
	ctr_done(&c->ctr);
	session_close(&c->session);
	*c = (struct container){ .ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
				 .session = { .userns_fd = FD_NONE } };
}
