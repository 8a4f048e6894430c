/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_ns.c - which namespaces are the container's own, its id maps, its host name
 *
 * The user namespace is always its own (ARCHITECTURE 3); "--userns host" is the identity map too.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

static int not_yet(const char *flag, const char *v, struct rl_err *err)
{
	return rl_fail(err, ENOTSUP, "not supported yet: %s %s", flag, v);
}

static bool one_of(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

/* "private" or "host"; others that Docker and Podman know are told apart from nonsense. */
static int mode(const char *flag, const char *v, bool *ret_host, struct rl_err *err)
{
	if (!v || !*v || strcmp(v, "private") == 0)
		return 0;
	if (strcmp(v, "host") == 0) {
		*ret_host = true;
		return 0;
	}
	if (strcmp(v, "shareable") == 0 && strcmp(flag, "--ipc") == 0)
		return 0; /* what joining asks for is checked when somebody joins */
	if (strncmp(v, "container:", 10) == 0 || strncmp(v, "ns:", 3) == 0 ||
	    strcmp(v, "none") == 0)
		return not_yet(flag, v, err);
	return rl_fail(err, EINVAL, "invalid value '%s' for '%s': expected private or host", v,
		       flag);
}

static int network(struct spec_ctx *x, struct rl_err *err)
{
	/* names that other engines have for one container on a network of its own */
	static const char *const own[] = { "private", "default", "bridge", "pasta", "slirp4netns" };
	const char *v = x->req->network;

	x->out->netmode = NETMODE_PRIVATE;
	if (!v || !*v || one_of(v, own, ARRAY_LEN(own)) || strncmp(v, "slirp4netns:", 12) == 0 ||
	    strncmp(v, "pasta:", 6) == 0)
		return 0; /* the options are net_config_set()'s, which has been asked */
	if (strcmp(v, "none") == 0)
		x->out->netmode = NETMODE_NONE;
	else if (strcmp(v, "host") == 0)
		x->out->netmode = NETMODE_HOST;
	else
		return not_yet("--network", v, err);
	return 0;
}

static int keep_id_value(struct spec_ctx *x, const char *word, struct rl_err *err)
{
	uint32_t *to = strncmp(word, "uid=", 4) == 0   ? &x->keep_uid
		       : strncmp(word, "gid=", 4) == 0 ? &x->keep_gid
						       : NULL;
	uint64_t v;

	if (!to)
		return rl_fail(err, EINVAL, "'--userns keep-id' knows uid= and gid=, not '%s'",
			       word);
	if (parse_uint(word + 4, UINT32_MAX - 1, &v) < 0)
		return rl_fail(err, EINVAL, "'--userns keep-id:%s': not an id", word);
	*to = (uint32_t)v;
	return 0;
}

static int keep_id(struct spec_ctx *x, const char *opts, struct rl_err *err)
{
	auto_strv struct strv l = { 0 };
	int r = 0;

	x->keep_id = true;
	x->keep_uid = x->in->rl->uid;
	x->keep_gid = x->in->rl->gid;
	if (*opts == ':' && strv_split(&l, opts + 1, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = keep_id_value(x, l.v[i], err);
	if (r == 0)
		r = idmap_keep_id(&x->in->session->uids, x->keep_uid, &x->out->uids, err);
	if (r == 0)
		r = idmap_keep_id(&x->in->session->gids, x->keep_gid, &x->out->gids, err);
	return r < 0 ? rl_wrap(err, "--userns keep-id") : 0;
}

static int userns(struct spec_ctx *x, struct rl_err *err)
{
	const char *v = x->req->userns;
	int r;

	if (v && strncmp(v, "keep-id", 7) == 0 && (v[7] == '\0' || v[7] == ':'))
		return keep_id(x, v + 7, err);
	if (v && (strncmp(v, "container:", 10) == 0 || strncmp(v, "ns:", 3) == 0 ||
		  strncmp(v, "auto", 4) == 0 || strcmp(v, "nomap") == 0))
		return not_yet("--userns", v, err);
	if (v && *v && strcmp(v, "private") != 0 && strcmp(v, "host") != 0)
		return rl_fail(
			err, EINVAL,
			"invalid value '%s' for '--userns': expected private, host or keep-id", v);
	r = idmap_identity(&x->in->session->uids, &x->out->uids, err);
	if (r == 0)
		r = idmap_identity(&x->in->session->gids, &x->out->gids, err);
	return r;
}

static int hostname(struct spec_ctx *x, struct rl_err *err)
{
	const char *v = x->req->hostname;
	char host[TEXT_HOST_MAX + 1] = "";

	if (v && x->host_uts)
		return rl_fail(err, EINVAL, "'--hostname' and '--uts host' exclude each other");
	if (v && !text_is_hostname(v, TEXT_HOST_MAX))
		return rl_fail(
			err, EINVAL,
			"invalid host name '%.80s': letters, digits, '.' and '-', at most %d", v,
			TEXT_HOST_MAX);
	if (!v && (x->host_uts || x->out->netmode == NETMODE_HOST) &&
	    gethostname(host, sizeof(host) - 1) == 0 && text_is_hostname(host, TEXT_HOST_MAX))
		v = host;
	x->out->hostname = v ? strdup(v) : strndup(x->in->id, 12);
	return x->out->hostname ? 0 : rl_oom(err);
}

int spec_make_namespaces(struct spec_ctx *x, struct rl_err *err)
{
	int r = network(x, err);

	if (r == 0)
		r = mode("--pid", x->req->pid, &x->host_pid, err);
	if (r == 0)
		r = mode("--ipc", x->req->ipc, &x->host_ipc, err);
	if (r == 0)
		r = mode("--uts", x->req->uts, &x->host_uts, err);
	if (r == 0)
		r = mode("--cgroupns", x->req->cgroupns, &x->host_cgroupns, err);
	if (r == 0)
		r = userns(x, err);
	if (r == 0)
		r = hostname(x, err);
	return r;
}
