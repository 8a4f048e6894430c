/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_files.c - text of the files that a container gets in /etc: hosts and resolv.conf
 *
 * Line formats: whatever goes in has been checked to hold no line feed (SECURITY S25). Addresses
 * are those of net/net.h: container 10.0.2.100, gateway 10.0.2.2, DNS 10.0.2.3.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "net/endpoint.h"
#include "net/network.h"

#define ADDR_CONTAINER "10.0.2.100"
#define ADDR_GATEWAY   "10.0.2.2"
#define ADDR_DNS       "10.0.2.3"
#define HOST_FILE_MAX  (1 << 20)
#define SEARCH_MAX     253 /* a domain name, RFC 1035 */

/* "name[;name...]:address" (Docker also writes "name=address"); "host-gateway" is an address. */
static int split_host(const char *w, char **ret_names, const char **ret_addr, struct rl_err *err)
{
	size_t n = strcspn(w, ":=");
	auto_free char *names = strndup(w, n);
	auto_strv struct strv l = { 0 };

	if (!names || strv_split(&l, names, ';') < 0)
		return rl_oom(err);
	if (!w[n] || (strcmp(w + n + 1, "host-gateway") != 0 && !text_is_ip(w + n + 1)))
		return rl_fail(err, EINVAL, "--add-host '%.200s' is not NAME:ADDRESS", w);
	for (size_t i = 0; i < l.n; i++)
		if (!text_is_hostname(l.v[i], SEARCH_MAX))
			return rl_fail(err, EINVAL, "--add-host '%.200s': bad name '%.80s'", w,
				       l.v[i]);
	for (char *c = names; *c; c++)
		if (*c == ';')
			*c = ' ';
	*ret_names = TAKE_PTR(names);
	*ret_addr = w + n + 1;
	return 0;
}

static int check_dns(const struct create_req *q, struct rl_err *err)
{
	for (size_t i = 0; i < q->dns.n; i++)
		if (!text_is_ip(q->dns.v[i]) && strcmp(q->dns.v[i], "none") != 0)
			return rl_fail(err, EINVAL, "--dns '%.80s' is not an address", q->dns.v[i]);
	for (size_t i = 0; i < q->dns_search.n; i++)
		if (!text_is_hostname(q->dns_search.v[i], SEARCH_MAX) &&
		    strcmp(q->dns_search.v[i], ".") != 0)
			return rl_fail(err, EINVAL, "--dns-search '%.80s' is not a domain",
				       q->dns_search.v[i]);
	for (size_t i = 0; i < q->dns_option.n; i++) {
		const char *o = q->dns_option.v[i];

		if (!*o || !text_is_plain(o, 64) || strpbrk(o, " #;"))
			return rl_fail(err, EINVAL, "--dns-option '%.80s' is malformed", o);
	}
	return 0;
}

int spec_check_names(const struct create_req *q, struct rl_err *err)
{
	for (size_t i = 0; i < q->add_host.n; i++) {
		auto_free char *names = NULL;
		const char *addr;
		int r = split_host(q->add_host.v[i], &names, &addr, err);

		if (r < 0)
			return r;
	}
	if (q->no_hosts && q->add_host.n > 0)
		return rl_fail(err, EINVAL, "'--no-hosts' and '--add-host' exclude each other");
	return check_dns(q, err);
}

/* A file of the host that is often a link (resolv.conf of systemd-resolved). Missing is no loss. */
static int read_host(const char *path, struct buf *out)
{
	auto_free char *real = realpath(path, NULL);
	size_t before = out->len;
	struct rl_err err;
	int r = real ? io_read_file(AT_FDCWD, real, HOST_FILE_MAX, out, &err) : 0;

	if (r < 0)
		log_debug("%s", err.msg);
	return out->len > before && out->data[out->len - 1] != '\n' ? buf_str(out, "\n") : 0;
}

/* With the host's network its own file is the base: the names in it mean the same inside. */
static int base_hosts(const struct spec_ctx *x, struct buf *out)
{
	size_t before = out->len;

	if (x->out->netmode == NETMODE_HOST &&
	    (read_host("/etc/hosts", out) < 0 || out->len > before))
		return out->len > before ? 0 : -ENOMEM;
	return buf_str(out, "127.0.0.1\tlocalhost\n"
			    "::1\tlocalhost ip6-localhost ip6-loopback\n");
}

int spec_file_hosts(struct spec_ctx *x, struct buf *out, struct rl_err *err)
{
	bool private = x->out->netmode == NETMODE_PRIVATE;
	const char *gateway = private ? ADDR_GATEWAY : "127.0.0.1";
	const char *name = x->in->name ? x->in->name : "";
	int r;

	if (x->req->no_hosts)
		return 1;
	r = base_hosts(x, out);
	if (r == 0 && x->out->netmode != NETMODE_NONE)
		r = buf_printf(out, "%s\thost.containers.internal host.docker.internal\n", gateway);
	if (r == 0 && x->out->netmode != NETMODE_HOST)
		r = buf_printf(out, "%s\t%s%s%s\n", private ? ADDR_CONTAINER : "127.0.0.1",
			       x->out->hostname, *name ? " " : "", name);
	for (size_t i = 0; r == 0 && i < x->req->add_host.n; i++) {
		auto_free char *names = NULL;
		const char *addr;

		if (split_host(x->req->add_host.v[i], &names, &addr, err) < 0)
			return -err->code;
		if (strcmp(addr, "host-gateway") == 0)
			addr = gateway;
		r = buf_printf(out, "%s\t%s\n", addr, names);
	}
	return r < 0 ? rl_oom(err) : 0;
}

static int add_list(struct buf *out, const char *key, const struct strv *l)
{
	int r = buf_str(out, key);

	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = buf_printf(out, " %s", l->v[i]);
	return r == 0 ? buf_str(out, "\n") : r;
}

/* What is not given by flags: the network's own resolver, or what the host has. */
static int base_resolv(const struct spec_ctx *x, struct buf *out)
{
	if (x->out->netmode == NETMODE_NONE)
		return 0;
	if (x->out->netmode == NETMODE_PRIVATE)
		return buf_str(out, x->in->resolv_conf ? x->in->resolv_conf
						       : "nameserver " ADDR_DNS "\n");
	return read_host("/etc/resolv.conf", out);
}

/* Lines of @base that flags do not replace. */
static int keep_lines(struct buf *out, char *base, const struct create_req *q, bool named)
{
	int r = 0;

	for (char *line = base, *next; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if ((q->dns.n > 0 && !named && strncmp(line, "nameserver", 10) == 0) ||
		    (q->dns_search.n > 0 &&
		     (strncmp(line, "search", 6) == 0 || strncmp(line, "domain", 6) == 0)) ||
		    (q->dns_option.n > 0 && strncmp(line, "options", 7) == 0))
			continue;
		r = buf_printf(out, "%s\n", line);
	}
	return r;
}

int spec_file_resolv(struct spec_ctx *x, struct buf *out, struct rl_err *err)
{
	const struct create_req *q = x->req;
	bool flags = q->dns.n > 0 || q->dns_search.n > 0 || q->dns_option.n > 0;
	auto_buf struct buf base = { 0 };
	/* there --dns says whom our name server asks */
	const bool named = q->network && endpoint_is_named(q->network);
	int r;

	if (strv_has(&q->dns, "none"))
		return 1;
	if (!flags) {
		/* shared network: the host's file itself is bound, so that it stays current */
		if (x->out->netmode == NETMODE_HOST)
			return 1;
		return base_resolv(x, out) < 0 ? rl_oom(err) : 0;
	}
	r = base_resolv(x, &base);
	if (r == 0)
		r = keep_lines(out, base.data, q, named);
	if (r == 0 && q->dns_search.n > 0 && !strv_has(&q->dns_search, "."))
		r = add_list(out, named ? "search " NETWORK_SEARCH : "search", &q->dns_search);
	for (size_t i = 0; r == 0 && i < q->dns.n && !named; i++)
		r = buf_printf(out, "nameserver %s\n", q->dns.v[i]);
	if (r == 0 && q->dns_option.n > 0)
		r = add_list(out, "options", &q->dns_option);
	return r < 0 ? rl_oom(err) : 0;
}
