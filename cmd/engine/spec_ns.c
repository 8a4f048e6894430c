/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_ns.c - which namespaces are the container's own, its host name; id maps:
 * spec_userns.c
 *
 * The user namespace is its own (ARCHITECTURE 3); "--userns host" is the identity map too. Who joins a
 * namespace of another container shares that one's user namespace as well.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/engine/container.h"
#include "cmd/engine/nsjoin.h"
#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/ctr_state.h"
#include "core/kernel.h"
#include "net/endpoint.h"

static bool one_of(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

/*
 * "container:NAME" for one kind of namespace. It is looked up now, for its settings, and again at each
 * start, for its process (nsjoin.h).
 */
static int join(struct spec_ctx *x, enum spec_ns_kind kind, const char *type, const char *name,
		struct rl_err *err)
{
	const struct rl *rl = x->in->rl;
	struct ctr c = { 0 };
	int r = ctr_find(rl, name, &c, err);

	if (r == 0 && x->other && strcmp(x->other->ctr.id, c.id) != 0)
		r = rl_fail(err, EINVAL, "namespaces of two containers, '%s' and '%s', at a time",
			    x->other->ctr.name, c.name);
	if (r == 0 && !x->other) {
		x->other = calloc(1, sizeof(*x->other));
		r = x->other ? engine_load(rl, c.id, false, x->other, err) : rl_oom(err);
		if (r < 0)
			free(TAKE_PTR(x->other));
	}
	ctr_done(&c);
	if (r < 0)
		return r;
	free(x->ns_path[kind]);
	x->ns_path[kind] = nsjoin_path(rl, x->other->ctr.id, type);
	if (!x->ns_path[SPEC_NS_USER])
		x->ns_path[SPEC_NS_USER] = nsjoin_path(rl, x->other->ctr.id, "user");
	return x->ns_path[kind] && x->ns_path[SPEC_NS_USER] ? 0 : rl_oom(err);
}

/* A namespace that a path names; rights over it are checked by the kernel when it is joined. */
static int join_path(struct spec_ctx *x, enum spec_ns_kind kind, int type, const char *path,
		     struct rl_err *err)
{
	auto_fd int fd = *path == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : FD_NONE;

	if (*path != '/')
		return rl_fail(err, EINVAL, "not an absolute path");
	if (fd < 0)
		return rl_fail_sys(err, errno, "open it");
	if (ioctl(fd, NS_GET_NSTYPE) != type)
		return rl_fail(err, EINVAL, "not a namespace of that kind");
	x->ns_path[kind] = strdup(path);
	return x->ns_path[kind] ? 0 : rl_oom(err);
}

struct mode {
	const char *flag, *value; /* "--pid", as typed or NULL */
	const char *words;        /* what else it may be, for the message */
	enum spec_ns_kind kind;
	const char *type; /* in /proc/PID/ns */
	int clone;        /* CLONE_NEW* */
};

/* One that is the host's there is the host's here; what its owner keeps for itself is refused. */
static int join_container(struct spec_ctx *x, const struct mode *m, const char *name,
			  bool *ret_host, struct rl_err *err)
{
	const char *ipc;
	int r = join(x, m->kind, m->type, name, err);

	if (r < 0)
		return r;
	if (!x->other->spec.ns[m->kind].is_listed) {
		free(TAKE_PTR(x->ns_path[m->kind]));
		*ret_host = true;
	}
	ipc = json_string_value(json_object_get(x->other->asked, "ipc"));
	if (m->kind != SPEC_NS_IPC || !ipc ||
	    (strcmp(ipc, "none") != 0 && strcmp(ipc, "private") != 0))
		return 0;
	rl_fail(err, EPERM, "'%s' shares its IPC namespace with nobody: non-shareable IPC",
		x->other->ctr.name);
	return rl_hint(err, "make '%s' with '--ipc shareable'", x->other->ctr.name);
}

static int mode(struct spec_ctx *x, const struct mode *m, bool *ret_host, struct rl_err *err)
{
	const char *v = m->value;
	int r;

	if (!v || !*v || strcmp(v, "private") == 0)
		return 0;
	if (m->kind == SPEC_NS_IPC && strcmp(v, "shareable") == 0)
		return 0;
	if (m->kind == SPEC_NS_IPC && strcmp(v, "none") == 0) {
		x->no_shm = true;
		return 0;
	}
	if (strcmp(v, "host") == 0) {
		*ret_host = true;
		return 0;
	}
	if (strncmp(v, "container:", 10) == 0)
		r = join_container(x, m, v + 10, ret_host, err);
	else if (strncmp(v, "ns:", 3) == 0)
		r = join_path(x, m->kind, m->clone, v + 3, err);
	else
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '%s': expected private, host, "
			       "container:NAME%s or ns:PATH",
			       v, m->flag, m->words);
	return r < 0 ? rl_wrap(err, "%s %s", m->flag, v) : 0;
}

static int modes(struct spec_ctx *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	const struct mode pid = { "--pid", q->pid, "", SPEC_NS_PID, "pid", CLONE_NEWPID };
	const struct mode ipc = { "--ipc",     q->ipc, ", shareable, none",
				  SPEC_NS_IPC, "ipc",  CLONE_NEWIPC };
	const struct mode uts = { "--uts", q->uts, "", SPEC_NS_UTS, "uts", CLONE_NEWUTS };
	const struct mode cg = { "--cgroupns",   q->cgroupns, "",
				 SPEC_NS_CGROUP, "cgroup",    CLONE_NEWCGROUP };
	int r = mode(x, &pid, &x->host_pid, err);

	if (r == 0)
		r = mode(x, &ipc, &x->host_ipc, err);
	if (r == 0)
		r = mode(x, &uts, &x->host_uts, err);
	if (r == 0)
		r = mode(x, &cg, &x->host_cgroupns, err);
	return r;
}

/* What belongs to a network cannot be asked for by somebody who shares it. */
static int check_shared(const struct create_req *q, const char *v, struct rl_err *err)
{
	const char *flag = q->add_host.n > 0     ? "--add-host"
			   : q->dns.n > 0        ? "--dns"
			   : q->dns_search.n > 0 ? "--dns-search"
			   : q->dns_option.n > 0 ? "--dns-option"
			   : q->host_port.n > 0  ? "--host-port"
						 : NULL;

	return flag ? rl_fail(err, EINVAL, "'%s' and '--network %s' exclude each other", flag, v)
		    : 0;
}

static int join_network(struct spec_ctx *x, const char *name, struct rl_err *err)
{
	int r = check_shared(x->req, x->req->network, err);

	if (r < 0)
		return r;
	r = join(x, SPEC_NS_NET, "net", name, err);
	if (r < 0)
		return rl_wrap(err, "--network container:%s", name);
	x->network = str_printf("container:%s", x->other->ctr.id);
	if (!x->network)
		return rl_oom(err);
	x->out->netmode = NETMODE_JOINED;
	if (x->other->net == CONTAINER_NET_HOST) {
		x->out->netmode = NETMODE_HOST;
		free(TAKE_PTR(x->ns_path[SPEC_NS_NET]));
	}
	return 0;
}

static int path_network(struct spec_ctx *x, const char *path, struct rl_err *err)
{
	int r = join_path(x, SPEC_NS_NET, CLONE_NEWNET, path, err);

	if (r < 0)
		return rl_wrap(err, "--network ns:%s", path);
	if (x->req->host_port.n > 0)
		return rl_fail(err, EINVAL, "'--host-port' and '--network ns:' exclude each other");
	x->out->netmode = NETMODE_PATH;
	return 0;
}

/*
 * Nobody asked for a private network, and an outer container has not got the device that one takes:
 * what is around us is the outer container's network, and no host's. Elsewhere it is an error.
 */
static bool has_to_share(void)
{
	return access("/dev/net/tun", R_OK | W_OK) < 0 && kernel_outer_container();
}

static int network(struct spec_ctx *x, struct rl_err *err)
{
	/* names that other engines have for one container on a network of its own */
	static const char *const own[] = { "private", "default", "bridge",
					   "podman",  "pasta",   "slirp4netns" };
	const char *v = x->req->network;

	x->out->netmode = NETMODE_PRIVATE;
	if (!v || !*v) {
		if (!has_to_share())
			return 0;
		log_warn("this outer container has no usable /dev/net/tun: the container uses the "
			 "network around it ('--network private' makes that an error)");
		x->out->netmode = NETMODE_HOST;
		return 0;
	}
	if (endpoint_is_named(v)) {
		x->network = strndup(v, strcspn(v, ":,"));
		return x->network ? 0 : rl_oom(err);
	}
	if (one_of(v, own, ARRAY_LEN(own)) || strncmp(v, "slirp4netns:", 12) == 0 ||
	    strncmp(v, "pasta:", 6) == 0)
		return 0; /* the options are net_config_set()'s, which has been asked */
	if (strncmp(v, "container:", 10) == 0)
		return join_network(x, v + 10, err);
	if (strncmp(v, "ns:", 3) == 0)
		return path_network(x, v + 3, err);
	if (strcmp(v, "none") == 0)
		x->out->netmode = NETMODE_NONE;
	else if (strcmp(v, "host") == 0)
		x->out->netmode = NETMODE_HOST;
	else {
		rl_fail(err, EINVAL, "'--network %.80s' is no mode and no network", v);
		return rl_hint(err,
			       "private, none, host, container:NAME, ns:PATH, slirp4netns:OPTIONS, "
			       "pasta:OPTIONS, or a name of 'rl network ls'");
	}
	return 0;
}

/* container:NAME and ns:PATH here, and what shared namespaces of other kinds entail; else the maps. */
static int userns(struct spec_ctx *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	const char *v = q->userns ? q->userns : "";
	bool joins = strncmp(v, "container:", 10) == 0, path = strncmp(v, "ns:", 3) == 0;
	bool maps = q->uidmap.n || q->gidmap.n || q->subuidname || q->subgidname || q->me;
	int r = 0;

	if (joins && !maps)
		r = join(x, SPEC_NS_USER, "user", v + 10, err);
	if (r < 0)
		return rl_wrap(err, "--userns %s", v);
	if ((joins || path) && maps)
		return rl_fail(err, EINVAL, "'--userns %s' has maps already", v);
	if (x->other) { /* where the namespaces that we join belong */
		if ((*v && !joins) || maps)
			return rl_fail(err, EINVAL,
				       "'%s%s': who shares namespaces with container '%s' has its "
				       "user namespace",
				       *v ? "--userns " : "an id map", v, x->other->ctr.name);
		x->out->uids = x->other->uids;
		x->out->gids = x->other->gids;
		return 0;
	}
	if (path) {
		x->ns_path[SPEC_NS_USER] = strdup(v + 3);
		return x->ns_path[SPEC_NS_USER] ? spec_userns_at(x, v + 3, err) : rl_oom(err);
	}
	return spec_make_userns(x, err);
}

static int hostname(struct spec_ctx *x, struct rl_err *err)
{
	const char *v = x->req->hostname;
	char host[TEXT_HOST_MAX + 1] = "";

	if (v && (x->host_uts || x->ns_path[SPEC_NS_UTS]))
		return rl_fail(err, EINVAL, "'--hostname' and '--uts %s' exclude each other",
			       x->req->uts);
	if (v && !text_is_hostname(v, TEXT_HOST_MAX))
		return rl_fail(
			err, EINVAL,
			"invalid host name '%.80s': letters, digits, '.' and '-', at most %d", v,
			TEXT_HOST_MAX);
	if (!v && (x->host_uts || x->out->netmode == NETMODE_HOST) &&
	    gethostname(host, sizeof(host) - 1) == 0 && text_is_hostname(host, TEXT_HOST_MAX))
		v = host;
	if (!v && x->other && !x->host_uts &&
	    (x->out->netmode == NETMODE_JOINED || x->ns_path[SPEC_NS_UTS]))
		v = x->other->spec.hostname; /* the name of its address, or the one that is there */
	x->keeps_hostname = x->host_uts || x->ns_path[SPEC_NS_UTS];
	if (!x->keeps_hostname && kernel_refuses_hostname()) {
		if (x->req->hostname)
			return rl_fail(err, EPERM,
				       "--hostname: the seccomp filter that rl was started under "
				       "refuses to set a host name");
		x->keeps_hostname = true; /* the outer container's: not worth a failure */
	}
	x->out->hostname = v ? strdup(v) : strndup(x->in->id, 12);
	return x->out->hostname ? 0 : rl_oom(err);
}

int spec_make_namespaces(struct spec_ctx *x, struct rl_err *err)
{
	int r = network(x, err);

	if (r == 0)
		r = modes(x, err);
	if (r == 0)
		r = userns(x, err);
	if (r == 0)
		r = hostname(x, err);
	return r;
}

void spec_namespaces_done(struct spec_ctx *x)
{
	if (x->other)
		container_done(x->other);
	free(x->other);
	free(x->network);
	for (size_t i = 0; i < ARRAY_LEN(x->ns_path); i++)
		free(x->ns_path[i]);
}
