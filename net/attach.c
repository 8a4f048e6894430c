/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c - joining and leaving networks; the header is the manual */
#include "config.h"

#include "net/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/control.h"
#include "net/wire.h"

#define LOCK_MS   20000
#define LOCK_STEP 5

static void attached_done(struct attached *x)
{
	free(x->network);
	strv_done(&x->servers);
	fd_close(x->net_fd);
	*x = (struct attached){ .net_fd = FD_NONE };
}

/* --- leases --------------------------------------------------------------------------------- */

/* The monitor holds the record lock of its container's folder. Never asked for our own: closing the
 * file would let that lock go (fcntl(2)). */
static bool runs(const struct rl *rl, const char *id)
{
	auto_free char *path = str_printf("containers/%s/lock", id);
	auto_fd int fd =
		path ? openat(rl->data_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : FD_NONE;

	return fd >= 0 && io_lock_holder(fd) != 0;
}

/* @own: an id that is taken for running; or NULL */
static int read_leases(const struct rl *rl, const char *network, const char *own,
		       struct leases *ret, struct rl_err *err)
{
	auto_free char *path = str_printf(NETWORKS_DIR "/%s/" LEASE_FILE, network);
	auto_buf struct buf b = { 0 };
	int r = path ? io_read_file(rl->data_fd, path, LEASE_FILE_MAX, &b, err) : rl_oom(err);

	*ret = (struct leases){ 0 };
	if (r == -ENOENT)
		return 0;
	if (r == 0 && leases_parse(b.data ? b.data : "", b.len, ret) < 0)
		r = rl_oom(err);
	for (size_t i = ret->n; i-- > 0;)
		if (!(own && strcmp(ret->v[i].id, own) == 0) && !runs(rl, ret->v[i].id))
			leases_drop(ret, i);
	return r;
}

int attach_leases(const struct rl *rl, const char *network, struct leases *ret, struct rl_err *err)
{
	return read_leases(rl, network, NULL, ret, err);
}

static int write_leases(const struct rl *rl, const char *network, const struct leases *l,
			struct rl_err *err)
{
	auto_free char *path = str_printf(NETWORKS_DIR "/%s/" LEASE_FILE, network);
	auto_buf struct buf b = { 0 };

	if (!path || leases_print(l, &b) < 0)
		return rl_oom(err);
	return io_replace_file(rl->data_fd, path, b.data ? b.data : "", b.len, 0600, IO_NOSYNC,
			       err);
}

/* Who has the lock may be waiting for our answer. fd or -errno */
static int lock_network(const struct rl *rl, const char *network, const struct control_idle *idle,
			struct rl_err *err)
{
	const int64_t end = now_ms() + LOCK_MS;
	int fd = network_lock(rl, network, idle ? 0 : LOCK_MS, err);

	for (; idle && fd == -EBUSY && now_ms() < end; fd = network_lock(rl, network, 0, err)) {
		idle->run(idle->arg);
		(void)poll(NULL, 0, LOCK_STEP);
	}
	return fd;
}

static void drop_lease(const struct rl *rl, const char *network, const char *id,
		       const struct control_idle *idle)
{
	auto_leases struct leases l = { 0 };
	struct rl_err err;
	auto_fd int lock = lock_network(rl, network, idle, &err);
	struct lease *own;
	int r = lock < 0 ? lock : read_leases(rl, network, id, &l, &err);

	if (r == -ENOENT)
		return;
	own = r == 0 ? leases_of(&l, id) : NULL;
	if (own) {
		leases_drop(&l, (size_t)(own - l.v));
		r = write_leases(rl, network, &l, &err);
	}
	if (r < 0)
		log_debug("%s", err.msg); /* a lease of who runs no more counts for nothing */
}

void attach_drop_leases(const struct rl *rl, const char *ctr_id, int ctr_fd)
{
	auto_endpoints struct endpoints e = { 0 };
	struct rl_err err;

	if (runs(rl, ctr_id))
		return; /* somebody has started it again meanwhile */
	if (endpoints_read(ctr_fd, &e, &err) < 0)
		log_debug("%s", err.msg);
	for (size_t i = 0; i < e.n; i++)
		drop_lease(rl, e.v[i].network, ctr_id, NULL);
}

/* --- addresses ------------------------------------------------------------------------------ */

static const struct lease *holder_of(const struct leases *l, const struct ip *a, const char *own)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, own) != 0 &&
		    ip_equal(a->af == AF_INET ? &l->v[i].ip4 : &l->v[i].ip6, a))
			return &l->v[i];
	return NULL;
}

struct pool {
	const struct network *of;
	const char *network;
	const struct cidr *net;
	const struct ip *gw, *first, *last;
};

static bool is_reserved(const struct network *n, const struct ip *a)
{
	for (size_t i = 0; i < n->n_reserved; i++)
		if (ip_equal(&n->reserved[i], a))
			return true;
	return false;
}

static int check_static(const struct pool *p, const struct leases *l, const struct ip *want,
			const char *own, struct rl_err *err)
{
	char text[IP_TEXT], net[CIDR_TEXT];
	const struct lease *x = holder_of(l, want, own);

	(void)ip_print(want, text);
	if (!cidr_is_usable(p->net, want))
		return rl_fail(err, EINVAL, "address %s is not one of network '%s' (%s)", text,
			       p->network, cidr_print(p->net, net));
	if (ip_equal(want, p->gw))
		return rl_fail(err, EADDRINUSE, "address %s is the gateway of network '%s'", text,
			       p->network);
	if (is_reserved(p->of, want))
		return rl_fail(err, EADDRINUSE,
			       "address %s of network '%s' is reserved (--aux-address)", text,
			       p->network);
	return x ? rl_fail(err, EADDRINUSE, "address %s is used by container '%s'", text,
			   x->names.n ? x->names.v[0] : x->id)
		 : 0;
}

/* The first that nobody has; @had: the one it had before, preferred. */
static int take_address(const struct pool *p, const struct leases *l, const struct ip *want,
			const struct ip *had, const char *own, struct ip *ret, struct rl_err *err)
{
	struct ip a = *p->first;

	if (!p->net->ip.af) {
		*ret = (struct ip){ 0 };
		return want->af ? rl_fail(err, EINVAL, "network '%s' has no %s", p->network,
					  want->af == AF_INET ? "IPv4" : "IPv6")
				: 0;
	}
	if (want->af) {
		*ret = *want;
		return check_static(p, l, want, own, err);
	}
	if (had->af && cidr_contains(p->net, had) && !holder_of(l, had, own)) {
		*ret = *had;
		return 0;
	}
	for (; ip_compare(&a, p->last) <= 0; a = ip_add(&a, 1)) {
		if (!cidr_is_usable(p->net, &a) || ip_equal(&a, p->gw) || is_reserved(p->of, &a) ||
		    holder_of(l, &a, own))
			continue;
		*ret = a;
		return 0;
	}
	return rl_fail(err, ENOSPC, "all addresses of network '%s' are in use", p->network);
}

/* Follows from the address: neighbours that remember who had it are right about the next one. */
static void make_mac(const struct endpoint *e, struct lease *l)
{
	if (e->has_mac) {
		memcpy(l->mac, e->mac, 6);
		return;
	}
	l->mac[0] = 0x02;
	l->mac[1] = 0x72;
	memcpy(l->mac + 2, l->ip4.af ? l->ip4.b : l->ip6.b + 12, 4);
}

static int add_names(struct lease *l, const struct strv *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++)
		if (names->v[i][0] && !strpbrk(names->v[i], ", \n") &&
		    !strv_has(&l->names, names->v[i]))
			r = strv_add(&l->names, names->v[i]);
	return r;
}

/* Our line in @l, made or brought up to date. */
static int take_lease(const struct attach *a, const struct network *n, const struct endpoint *e,
		      const struct strv *names, struct leases *l, struct lease **ret,
		      struct rl_err *err)
{
	const struct pool p4 = { n, n->name, &n->net4, &n->gw4, &n->first4, &n->last4 };
	const struct pool p6 = { n, n->name, &n->net6, &n->gw6, &n->first6, &n->last6 };
	struct lease *old = leases_of(l, a->ctr_id), fresh = { 0 };
	const struct ip none = { 0 };
	int r = take_address(&p4, l, &e->ip4, old ? &old->ip4 : &none, a->ctr_id, &fresh.ip4, err);

	if (r == 0)
		r = take_address(&p6, l, &e->ip6, old ? &old->ip6 : &none, a->ctr_id, &fresh.ip6,
				 err);
	if (r < 0)
		return r;
	memcpy(fresh.id, a->ctr_id, sizeof(fresh.id));
	memcpy(fresh.ifname, e->ifname, sizeof(fresh.ifname));
	make_mac(e, &fresh);
	if (old)
		leases_drop(l, (size_t)(old - l->v));
	if (add_names(&fresh, names) < 0 || add_names(&fresh, &e->aliases) < 0 ||
	    leases_add(l, &fresh) < 0) {
		lease_done(&fresh);
		return rl_oom(err);
	}
	*ret = &l->v[l->n - 1];
	return 0;
}

/* --- joining and leaving -------------------------------------------------------------------- */

/* Of another container, else a new one. fd or -errno */
static int find_netns(const struct attach *a, const struct network *n, const struct leases *l,
		      struct rl_err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		int fd;

		if (strcmp(l->v[i].id, a->ctr_id) == 0)
			continue;
		fd = control_netns(a->rl, l->v[i].id, n->id, a->idle, err);
		if (fd >= 0)
			return fd;
		/* it has none, or has just ended: not one that is alive and silent, as two
		 * networks of one name would come of that */
		if (fd != -ENOENT && fd != -ECONNREFUSED && fd != -EPIPE)
			return rl_wrap(err, "network '%s'", n->name);
	}
	return wire_network(a->userns_fd,
			    &(const struct wire_bridge){ n->bridge, n->mtu, n->net4.prefix,
							 n->net6.prefix, n->gw4, n->gw6 },
			    err);
}

/* What the network's end of a container's pair is called: the container has no say in it. */
static const char *port_of(const char *ctr_id, char ret[LEASE_IF_LEN])
{
	(void)snprintf(ret, LEASE_IF_LEN, "v%.*s", LEASE_IF_LEN - 2, ctr_id);
	return ret;
}

static int plug(const struct attach *a, const struct network *n, const struct leases *all,
		const struct lease *l, int net_fd, int tap, struct rl_err *err)
{
	auto_strv struct strv others = { 0 };
	char port[LEASE_IF_LEN];
	const struct wire w = { .userns_fd = a->userns_fd,
				.net_fd = net_fd,
				.tap = tap,
				.bridge = n->bridge,
				.port = port_of(a->ctr_id, port),
				.others = &others,
				.ifname = l->ifname,
				.mac = l->mac,
				.mtu = n->mtu,
				.prefix4 = n->net4.prefix,
				.prefix6 = n->net6.prefix,
				.ip4 = l->ip4,
				.ip6 = l->ip6,
				.routes = n->routes,
				.n_routes = n->n_routes };

	for (size_t i = 0; i < all->n; i++) {
		char other[LEASE_IF_LEN];

		if (strv_add(&others, port_of(all->v[i].id, other)) < 0)
			return rl_oom(err);
	}
	return wire_plug(&w, err);
}

static int remember(struct attached *x, const struct network *n, const struct lease *l,
		    struct rl_err *err)
{
	memcpy(x->id, n->id, sizeof(x->id));
	memcpy(x->ifname, l->ifname, sizeof(x->ifname));
	x->ip4 = l->ip4;
	x->ip6 = l->ip6;
	x->internal = n->internal;
	strv_done(&x->servers);
	return strv_copy(&x->servers, &n->servers) < 0 ? rl_oom(err) : 0;
}

/* @x: what we know of this network; net_fd is FD_NONE when it is joined anew. */
static int join(const struct attach *a, const struct endpoint *e, struct attached *x, int tap,
		const struct strv *names, bool fresh, struct rl_err *err)
{
	auto_network struct network n = { 0 };
	auto_leases struct leases l = { 0 };
	auto_fd int lock = lock_network(a->rl, e->network, a->idle, err);
	struct lease *own = NULL;
	int r = lock < 0 ? lock : network_load(a->rl, e->network, &n, err);

	if (r == 0)
		r = read_leases(a->rl, e->network, a->ctr_id, &l, err);
	if (r == 0)
		r = take_lease(a, &n, e, names, &l, &own, err);
	if (r < 0)
		return r;
	if (x->net_fd < 0) {
		x->net_fd = find_netns(a, &n, &l, err);
		fresh = true;
	}
	if (x->net_fd < 0)
		return x->net_fd;
	if (fresh)
		r = plug(a, &n, &l, own, x->net_fd, tap, err);
	if (r == 0)
		r = remember(x, &n, own, err);
	return r == 0 ? write_leases(a->rl, e->network, &l, err) : r;
}

/* The interface first: the address is free afterwards, also where others share the container's network. */
static void leave(const struct attach *a, struct attached *x)
{
	char port[LEASE_IF_LEN];
	struct rl_err err;

	if (x->net_fd >= 0 &&
	    wire_unplug(a->userns_fd, x->net_fd, port_of(a->ctr_id, port), &err) < 0)
		log_warn("network '%s': %s", x->network, err.msg);
	drop_lease(a->rl, x->network, a->ctr_id, a->idle);
	attached_done(x);
}

/* The place of @network in @a, or in none */
static size_t place_of(const struct attach *a, const char *network)
{
	size_t i = 0;

	while (i < a->n && strcmp(a->v[i].network, network) != 0)
		i++;
	return i;
}

/* Leave what is wished no more, and bring the rest into the order of the wish. */
static int arrange(struct attach *a, const struct endpoints *e, struct rl_err *err)
{
	struct attached v[ENDPOINTS_MAX] = { 0 }, gone[ENDPOINTS_MAX];
	size_t n = 0, n_gone;

	for (size_t i = 0; i < e->n; i++, n++) {
		size_t at = place_of(a, e->v[i].network);

		v[n] = (struct attached){ .net_fd = FD_NONE };
		if (at < a->n) {
			v[n] = a->v[at];
			a->v[at] = a->v[--a->n];
			continue;
		}
		v[n].network = strdup(e->v[i].network);
		if (!v[n].network) {
			while (n-- > 0)
				attached_done(&v[n]);
			return rl_oom(err);
		}
	}
	n_gone = a->n;
	memcpy(gone, a->v, n_gone * sizeof(gone[0]));
	memcpy(a->v, v, n * sizeof(v[0]));
	a->n = n; /* others ask for these while we leave */
	while (n_gone > 0)
		leave(a, &gone[--n_gone]);
	return 0;
}

/* Indices of @e by name: the order in which all containers take the locks. */
static void lock_order(const struct endpoints *e, size_t by[ENDPOINTS_MAX])
{
	for (size_t i = 0; i < e->n; i++) {
		size_t k = i;

		for (; k > 0 && strcmp(e->v[by[k - 1]].network, e->v[i].network) > 0; k--)
			by[k] = by[k - 1];
		by[k] = i;
	}
}

/* The default route, and whether there is one. 1 when that has changed. */
static int set_way_out(struct attach *a, int tap, bool fresh, struct rl_err *err)
{
	const struct ip none = { 0 }, *src4 = &none, *src6 = &none;
	const bool was = fresh || a->out;
	int r;

	a->out = a->always_out;
	for (size_t i = a->n; i-- > 0;) { /* the first network that has one */
		if (a->v[i].internal)
			continue;
		a->out = true;
		src4 = a->v[i].ip4.af ? &a->v[i].ip4 : src4;
		src6 = a->v[i].ip6.af ? &a->v[i].ip6 : src6;
	}
	r = wire_outbound(a->userns_fd, tap, a->out, src4, src6, a->ipv6, err);
	return r < 0 ? r : a->out != was;
}

int attach_sync(struct attach *a, int tap, const struct strv *names, bool fresh, struct rl_err *err)
{
	auto_endpoints struct endpoints e = { 0 };
	size_t by[ENDPOINTS_MAX];
	int r = endpoints_read(a->ctr_fd, &e, err);

	if (r < 0 || (e.n == 0 && a->n == 0 && a->always_out))
		return r;
	r = arrange(a, &e, err);
	lock_order(&e, by);
	for (size_t i = 0; r == 0 && i < e.n; i++)
		r = join(a, &e.v[by[i]], &a->v[by[i]], tap, names, fresh, err);
	return r < 0 ? r : set_way_out(a, tap, fresh, err);
}

void attach_end(struct attach *a)
{
	while (a->n > 0)
		leave(a, &a->v[--a->n]);
}

int attach_netns(const struct attach *a, const char *id)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].id, id) == 0)
			return a->v[i].net_fd;
	return -ENOENT;
}
