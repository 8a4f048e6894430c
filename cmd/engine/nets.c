/* SPDX-License-Identifier: Apache-2.0 */
/* nets.c - engine: named networks of a container; the header is the manual */
#include "config.h"

#include "cmd/engine/nets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/engine/life.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/control.h"
#include "core/ctr_edit.h"
#include "core/ctr_state.h"
#include "core/events.h"

#define HOSTS_MAX  (1U << 20)
#define RECORD_MAX (8U << 20)
#define ADDR_TAP   "10.0.2.100" /* what spec_files.c puts there */

bool nets_is_named(const struct container *c)
{
	return c->net_words.n > 0 && endpoint_is_named(c->net_words.v[0]);
}

/* --- asking ---------------------------------------------------------------------------------- */

static int check_address(const struct network *n, const struct ip *a, struct rl_err *err)
{
	const struct cidr *net = a->af == AF_INET ? &n->net4 : &n->net6;
	char text[IP_TEXT], subnet[CIDR_TEXT];

	if (!a->af)
		return 0;
	if (!net->ip.af || !cidr_is_usable(net, a))
		return rl_fail(err, EINVAL, "address %s is not one of network '%s' (%s)",
			       ip_print(a, text), n->name, cidr_print(net, subnet));
	return ip_equal(a, a->af == AF_INET ? &n->gw4 : &n->gw6)
		       ? rl_fail(err, EINVAL, "address %s is the gateway of network '%s'",
				 ip_print(a, text), n->name)
		       : 0;
}

/* The network that @e names, by name or id; @e has its name then. */
static int find_network(const struct rl *rl, struct endpoints *all, struct endpoint *e,
			struct rl_err *err)
{
	auto_network struct network n = { 0 };
	int r = network_find(rl, e->network, &n, err);

	if (r < 0) {
		err->exit_code = 0;
		return rl_hint(err, "rl network create %s, or see rl network ls", e->network);
	}
	if (strcmp(n.name, e->network) != 0) {
		if (endpoints_find(all, n.name))
			return rl_fail(err, EEXIST, "network '%s' was named twice", n.name);
		free(e->network);
		e->network = TAKE_PTR(n.name);
		n.name = strdup(e->network);
		if (!n.name)
			return rl_oom(err);
	}
	r = check_address(&n, &e->ip4, err);
	return r == 0 ? check_address(&n, &e->ip6, err) : r;
}

/* --ip and kin are about one network. */
static int take_flags(struct endpoints *e, const struct create_req *q, struct rl_err *err)
{
	const char *flag = q->ip            ? "--ip"
			   : q->ip6         ? "--ip6"
			   : q->mac_address ? "--mac-address"
					    : NULL;
	int r = 0;

	if (e->n == 0 && q->network_alias.n > 0)
		flag = "--network-alias";
	if (flag && e->n == 0) {
		rl_fail(err, EINVAL, "'%s' needs a named network", flag);
		return rl_hint(err, "rl network create NET, then --network NET");
	}
	if (flag && e->n > 1) {
		rl_fail(err, EINVAL, "'%s' with several networks does not say which one", flag);
		return rl_hint(err, "--network NET:ip=ADDRESS,mac=ADDRESS does");
	}
	if (q->ip)
		r = endpoint_set_ip(&e->v[0], q->ip, err);
	if (r == 0 && q->ip6)
		r = endpoint_set_ip(&e->v[0], q->ip6, err);
	if (r == 0 && q->mac_address)
		r = endpoint_set_mac(&e->v[0], q->mac_address, err);
	for (size_t i = 0; i < e->n; i++)
		for (size_t k = 0; r == 0 && k < q->network_alias.n; k++)
			r = endpoint_add_alias(&e->v[i], q->network_alias.v[k], err);
	return r;
}

/* "a,b" without options is two networks, as Podman has it. */
static int parse_words(struct endpoints *e, const char *word, struct rl_err *err)
{
	auto_strv struct strv l = { 0 };
	int r = 0;

	if (strchr(word, ':') || !strchr(word, ','))
		return endpoints_parse(e, word, err);
	if (strv_split(&l, word, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = endpoint_is_named(l.v[i])
			    ? endpoints_parse(e, l.v[i], err)
			    : rl_fail(err, EINVAL, "'%s' is no named network", l.v[i]);
	return r;
}

int nets_take(const struct container *c, const struct create_req *req, int *ret_hold,
	      struct rl_err *err)
{
	auto_endpoints struct endpoints e = { 0 };
	auto_fd int hold = FD_NONE;
	int r = 0;

	for (size_t i = 0; r == 0 && i < req->networks.n; i++)
		if (endpoint_is_named(req->networks.v[i]))
			r = parse_words(&e, req->networks.v[i], err);
	if (r == 0)
		r = take_flags(&e, req, err);
	if (r < 0 || e.n == 0)
		return r;
	hold = network_hold(c->rl, err);
	if (hold < 0)
		return hold;
	for (size_t i = 0; r == 0 && i < e.n; i++)
		r = find_network(c->rl, &e, &e.v[i], err);
	if (r == 0)
		r = endpoints_write(c->ctr.dir_fd, &e, false, err);
	if (r == 0)
		*ret_hold = TAKE_FD(hold);
	return r;
}

/* --- changing -------------------------------------------------------------------------------- */

/* Is it one that can be plugged in: with a network of its own that we made? */
static int check_mode(const struct ctr *ctr, struct rl_err *err)
{
	const char *net = json_string_value(json_object_get(ctr->record, "net"));

	if (!net || strcmp(net, "private") == 0)
		return 0;
	rl_fail(err, ENOTSUP, "container '%s' has no network of its own (--network %s)", ctr->name,
		net);
	return rl_hint(err, "only containers on named or private networks can be connected");
}

/* Tell the monitor, if one runs. */
static int tell(const struct rl *rl, struct ctr *ctr, struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_NETWORKS };

	/* when it has ended meanwhile the next start looks at the file */
	return life_tell(rl, ctr, &req, err);
}

static void emit(const struct rl *rl, const struct ctr *ctr, const char *status,
		 const char *network)
{
	json_auto_t *attributes = json_pack("{s:s}", "container", ctr->id);

	events_emit(rl,
		    &(const struct event){ .type = "network",
					   .status = status,
					   .id = ctr->id,
					   .name = network,
					   .attributes = attributes },
		    1);
}

static int add_more(struct endpoint *to, const struct endpoint *more, struct rl_err *err)
{
	int r = 0;

	if (more->ip4.af)
		to->ip4 = more->ip4;
	if (more->ip6.af)
		to->ip6 = more->ip6;
	if (more->has_mac) {
		to->has_mac = true;
		memcpy(to->mac, more->mac, sizeof(to->mac));
	}
	for (size_t i = 0; r == 0 && i < more->aliases.n; i++)
		r = endpoint_add_alias(to, more->aliases.v[i], err);
	return r;
}

int nets_connect(const struct rl *rl, struct ctr *ctr, const char *word,
		 const struct endpoint *more, struct rl_err *err)
{
	auto_endpoints struct endpoints e = { 0 };
	auto_fd int hold = network_hold(rl, err), edit = FD_NONE;
	struct rl_err ignored;
	int r = hold < 0 ? hold : check_mode(ctr, err);

	if (r == 0) {
		edit = ctr_edit(ctr, err);
		r = edit < 0 ? edit : endpoints_read(ctr->dir_fd, &e, err);
	}
	if (r == 0)
		r = endpoints_parse(&e, word, err);
	if (r == 0)
		r = add_more(&e.v[e.n - 1], more, err);
	if (r == 0)
		r = find_network(rl, &e, &e.v[e.n - 1], err);
	if (r == -EEXIST)
		rl_fail(err, EEXIST, "container '%s' is on network '%s' already", ctr->name, word);
	if (r == 0)
		r = endpoints_write(ctr->dir_fd, &e, true, err);
	if (r < 0)
		return r;
	fd_close(TAKE_FD(hold)); /* the file speaks for itself now */
	r = tell(rl, ctr, err);
	if (r == 0) {
		emit(rl, ctr, "connect", e.v[e.n - 1].network);
		return 0;
	}
	endpoints_drop(&e, e.n - 1);
	if (endpoints_write(ctr->dir_fd, &e, true, &ignored) < 0 || tell(rl, ctr, &ignored) < 0)
		log_debug("%s", ignored.msg);
	return r;
}

int nets_disconnect(const struct rl *rl, struct ctr *ctr, const char *network, struct rl_err *err)
{
	auto_endpoints struct endpoints e = { 0 };
	auto_network struct network n = { 0 };
	struct endpoint *one;
	struct rl_err ignored;
	auto_fd int edit = ctr_edit(ctr, err);
	int r = edit < 0 ? edit : endpoints_read(ctr->dir_fd, &e, err);

	if (r == 0 && network_find(rl, network, &n, &ignored) == 0)
		network = n.name;
	if (r < 0)
		return r;
	one = endpoints_find(&e, network);
	if (!one)
		return rl_fail(err, ENOENT, "container '%s' is not on network '%s'", ctr->name,
			       network);
	endpoints_drop(&e, (size_t)(one - e.v));
	r = endpoints_write(ctr->dir_fd, &e, true, err);
	if (r == 0)
		r = tell(rl, ctr, err);
	if (r == 0)
		emit(rl, ctr, "disconnect", network);
	return r;
}

void nets_renamed(const struct rl *rl, const struct ctr *ctr)
{
	auto_endpoints struct endpoints e = { 0 };
	struct rl_err err;
	struct ctr now;

	if (endpoints_read(ctr->dir_fd, &e, &err) < 0 || e.n == 0 ||
	    ctr_open(rl, ctr->id, &now, &err) < 0)
		return;
	if (tell(rl, &now, &err) < 0)
		log_warn("its networks know it by its old name until it is started again: %s",
			 err.msg);
	ctr_done(&now);
}

int nets_updated(const struct rl *rl, const char *network, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	int r = network_users(rl, network, &ids, err);

	for (size_t i = 0; i < ids.n; i++) {
		struct rl_err why;
		struct ctr c;

		if (ctr_open(rl, ids.v[i], &c, &why) < 0)
			continue; /* being made, or gone: it reads the new list */
		if (tell(rl, &c, &why) < 0 && r == 0) {
			*err = why;
			r = rl_wrap(err, "container '%s'", c.name);
		}
		ctr_done(&c);
	}
	return r;
}

/* --- in the monitor --------------------------------------------------------------------------- */

int nets_open(struct nets *n, const struct container *c, struct net_config *net, struct rl_err *err)
{
	*n = (struct nets){ .c = c,
			    .net = net,
			    .a = { .rl = c->rl,
				   .userns_fd = c->session.userns_fd,
				   .ctr_fd = c->ctr.dir_fd,
				   .ctr_id = c->ctr.id,
				   .always_out = !nets_is_named(c),
				   .ipv6 = net->ipv6,
				   .out = true },
			    .networks_fd = FD_NONE };
	if (c->net != CONTAINER_NET_PRIVATE)
		return 0;
	n->networks_fd = openat(c->rl->data_fd, NETWORKS_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (n->networks_fd < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "open '" NETWORKS_DIR "'");
	net->ctr_fd = c->ctr.dir_fd;
	net->networks_fd = n->networks_fd;
	net->internal = false;
	return 0;
}

void nets_close(struct nets *n)
{
	fd_close(TAKE_FD(n->networks_fd));
}

/* What it is called on every network; its name may have changed since the start. */
static int get_names(const struct container *c, struct strv *ret, struct rl_err *err)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	const char *name = NULL;

	if (json_read_file(c->ctr.dir_fd, "state.json", RECORD_MAX, &j, &ignored) == 0)
		name = json_string_value(json_object_get(j, "name"));
	if (strv_add(ret, name ? name : c->ctr.name) < 0 ||
	    (c->spec.hostname && strv_add(ret, c->spec.hostname) < 0))
		return rl_oom(err);
	return 0;
}

/* The line of its own address, as spec_files.c wrote it, with the addresses that it has now. */
static int own_lines(const struct attach *a, const char *names, struct buf *out)
{
	char text[IP_TEXT];
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n; i++) {
		if (a->v[i].ip4.af)
			r = buf_printf(out, "%s\t%s\n", ip_print(&a->v[i].ip4, text), names);
		if (r == 0 && a->v[i].ip6.af)
			r = buf_printf(out, "%s\t%s\n", ip_print(&a->v[i].ip6, text), names);
	}
	return r < 0 || a->n > 0 ? r : buf_printf(out, ADDR_TAP "\t%s\n", names);
}

static int new_hosts(const struct attach *a, const char *names, const struct buf *old,
		     struct buf *out)
{
	const size_t n = strlen(names);
	const char *end = old->data + old->len;
	bool done = false;
	int r = 0;

	for (const char *line = old->data, *next; r == 0 && line < end; line = next) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		const char *stop = nl ? nl : end;
		const char *tab = memchr(line, '\t', (size_t)(stop - line));

		next = nl ? nl + 1 : end;
		if (!tab || (size_t)(stop - tab - 1) != n || memcmp(tab + 1, names, n) != 0) {
			r = buf_add(out, line, (size_t)(next - line));
			continue;
		}
		if (!done)
			r = own_lines(a, names, out);
		done = true;
	}
	return r;
}

/*
 * /etc/hosts is this very file, bound: it is written in place, and cut afterwards, so that who reads
 * it meanwhile finds names in it. A crash in between is mended by the next start. Other lines, those
 * of the container's own hand too, stay.
 */
static void set_hosts(const struct nets *n)
{
	const struct container *c = n->c;
	auto_free char *names =
		str_printf("%s %s", c->spec.hostname ? c->spec.hostname : "", c->ctr.name);
	auto_buf struct buf old = { 0 }, b = { 0 };
	auto_fd int fd = FD_NONE;
	struct rl_err err;

	if (!names || io_read_file(c->ctr.dir_fd, "hosts", HOSTS_MAX, &old, &err) < 0 ||
	    old.len == 0 || new_hosts(&n->a, names, &old, &b) < 0)
		return; /* --no-hosts: there is none */
	if (b.len == 0 || (b.len == old.len && memcmp(b.data, old.data, b.len) == 0))
		return;
	fd = openat(c->ctr.dir_fd, "hosts", O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || io_write_all(fd, b.data, b.len) < 0 || ftruncate(fd, (off_t)b.len) < 0)
		log_debug("the container's hosts: %s", strerror(errno));
}

/* --dns of the container comes first, then that of its networks. */
static void set_servers(struct nets *n)
{
	struct net_config *net = n->net;

	net->n_servers = net->n_own_servers;
	for (size_t i = 0; i < n->a.n; i++)
		for (size_t k = 0; k < n->a.v[i].servers.n && net->n_own_servers == 0 &&
				   net->n_servers < NET_SERVERS_MAX;
		     k++)
			(void)snprintf(net->servers[net->n_servers++], sizeof(net->servers[0]),
				       "%s", n->a.v[i].servers.v[k]);
}

int nets_follow(struct nets *n, int tap, bool fresh, const struct control_idle *idle,
		struct rl_err *err)
{
	const bool had_names = n->networks_fd >= 0;
	auto_strv struct strv names = { 0 };
	int r = get_names(n->c, &names, err);

	n->a.idle = idle;
	if (r == 0)
		r = attach_sync(&n->a, tap, &names, fresh, err);
	n->a.idle = NULL;
	if (r < 0)
		return r;
	n->net->internal = !n->a.out;
	set_servers(n);
	set_hosts(n);
	if (!had_names) /* the first network of this user was made after the container's start */
		n->networks_fd = n->net->networks_fd =
			openat(n->c->rl->data_fd, NETWORKS_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r > 0 || !had_names;
}
