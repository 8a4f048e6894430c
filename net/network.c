/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - named networks on disk; the header is the manual */
#include "config.h"

#include "net/network.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/base/waiting.h"
#include "net/addr.h"
#include "net/lease.h"

#define RECORD_VERSION 1
#define RECORD_MAX     (1U << 20)
#define LOCK           NETWORKS_DIR "/lock"
#define LOCK_MS        10000
#define LOCK_STEP      5
#define USERS_MAX      (1U << 20)
#define RANDOM_LEN     8
#define BRIDGE_NAME    "com.docker.network.bridge.name"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int network_check_name(const char *name, struct rl_err *err)
{
	static const char *const taken[] = { "none",    "host",        "bridge",    "private",
					     "default", "pasta",       "container", "ns",
					     "all",     "slirp4netns", "lock",      "podman" };
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return rl_fail(err, EINVAL,
				       "'%s' has a meaning of its own and is no name for a network",
				       name);
	if (n == 0 || n > NETWORK_NAME_MAX)
		return rl_fail(err, EINVAL, "a network's name has 1 to %d bytes", NETWORK_NAME_MAX);
	for (size_t i = 0; i < n; i++) {
		if (is_alnum(name[i]) || (i > 0 && strchr("_.-", name[i])))
			continue;
		rl_fail(err, EINVAL, "invalid network name '%s': byte 0x%02x", name,
			(unsigned)(unsigned char)name[i]);
		return rl_hint(err, "letters, digits, '_', '.' and '-' make a name");
	}
	return 0;
}

void network_done(struct network *n)
{
	free(n->name);
	free(n->bridge);
	free(n->reserved);
	free(n->routes);
	strv_done(&n->servers);
	json_decref(n->record);
	*n = (struct network){ 0 };
}

/* --- the record --------------------------------------------------------------------------- */

static json_t *pairs_object(const struct strv *pairs)
{
	json_t *o = json_object();

	for (size_t i = 0; o && pairs && i < pairs->n; i++) {
		const char *s = pairs->v[i], *eq = strchr(s, '=');
		auto_free char *key = eq ? strndup(s, (size_t)(eq - s)) : strdup(s);

		if (!key || json_object_set_new(o, key, json_string(eq ? eq + 1 : "")) < 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static json_t *ip_json(const struct ip *a)
{
	char text[IP_TEXT];

	return a->af ? json_string(ip_print(a, text)) : NULL;
}

static json_t *subnet_json(const struct cidr *c, const struct ip *gw, const struct ip *first,
			   const struct ip *last, bool has_range)
{
	char text[CIDR_TEXT];

	return c->ip.af ? json_pack("{s:s, s:o*, s:o*, s:o*}", "subnet", cidr_print(c, text),
				    "gateway", ip_json(gw), "first",
				    has_range ? ip_json(first) : NULL, "last",
				    has_range ? ip_json(last) : NULL)
			: NULL;
}

static json_t *servers_json(const struct strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < l->n; i++)
		(void)json_array_append_new(a, json_string(l->v[i]));
	return a;
}

static json_t *routes_json(const struct network *n)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < n->n_routes; i++) {
		const struct wire_route *r = &n->routes[i];
		char to[CIDR_TEXT];

		(void)json_array_append_new(
			a, json_pack("{s:s, s:o*, s:I}", "destination", cidr_print(&r->to, to),
				     "gateway", ip_json(&r->gw), "metric", (json_int_t)r->metric));
	}
	return a;
}

static int write_record(const struct rl *rl, const struct network *n, const char *dir,
			struct rl_err *err)
{
	auto_free char *path = str_printf("%s/network.json", dir);
	char created[32];
	json_auto_t *j = NULL;

	time_rfc3339(created, n->created_ns);
	j = json_pack(
		"{s:i, s:s, s:s, s:s, s:o*, s:o*, s:b, s:b, s:i, s:o, s:O, s:O, s:O*, s:o, s:s}",
		"version", RECORD_VERSION, "name", n->name, "id", n->id, "created", created, "ipv4",
		subnet_json(&n->net4, &n->gw4, &n->first4, &n->last4, n->has_range4), "ipv6",
		subnet_json(&n->net6, &n->gw6, &n->first6, &n->last6, n->has_range6), "internal",
		n->internal, "dns", n->dns, "mtu", (int)n->mtu, "servers",
		servers_json(&n->servers), "labels", n->labels, "options", n->options, "aux",
		n->aux, "routes", routes_json(n), "bridge", n->bridge);
	return j && path ? json_write_file(rl->data_fd, path, j, true, err) : rl_oom(err);
}

static bool get_ip(const json_t *o, const char *key, struct ip *ret)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && ip_parse(s, ret);
}

static int read_subnet(const json_t *o, uint8_t af, struct cidr *net, struct ip *gw,
		       struct ip *first, struct ip *last, bool *has_range, struct rl_err *err)
{
	const char *s = json_string_value(json_object_get(o, "subnet"));

	if (!o)
		return 0;
	if (!s || !cidr_parse(s, net) || net->ip.af != af || !get_ip(o, "gateway", gw) ||
	    gw->af != af)
		return rl_fail(err, EINVAL, "its record is damaged: subnet '%s'", s ? s : "");
	network_default_range(net, first, last);
	*has_range = get_ip(o, "first", first) && get_ip(o, "last", last);
	return first->af == af && last->af == af ? 0
						 : rl_fail(err, EINVAL, "its record is damaged");
}

/* What older records do not have */
static int read_extras(json_t *j, struct network *n, struct rl_err *err)
{
	const char *bridge = json_string_value(json_object_get(j, "bridge")), *name;
	const json_t *routes = json_object_get(j, "routes"), *v;
	json_t *ip;
	size_t i;
	int r = 0;

	n->bridge = strdup(bridge ? bridge : NETWORK_BRIDGE);
	n->aux = json_object_get(j, "aux");
	if (!n->bridge)
		return rl_oom(err);
	json_object_foreach (n->aux, name, ip) {
		if (r == 0)
			r = network_reserve(n, name, json_string_value(ip), err);
	}
	json_array_foreach (routes, i, v) {
		const char *to = json_string_value(json_object_get(v, "destination"));
		const char *gw = json_string_value(json_object_get(v, "gateway"));
		auto_free char *word =
			gw ? str_printf("%s,%s,%lld", to ? to : "", gw,
					(long long)json_integer_value(json_object_get(v, "metric")))
			   : str_printf("unreachable,%s", to ? to : "");

		if (r == 0)
			r = word ? network_add_route(n, word, err) : rl_oom(err);
	}
	return r;
}

static int from_json(json_t *j, struct network *n, struct rl_err *err)
{
	const char *id = json_string_value(json_object_get(j, "id"));
	const char *created = json_string_value(json_object_get(j, "created"));
	const json_t *servers = json_object_get(j, "servers"), *s;
	int64_t version = json_integer_value(json_object_get(j, "version"));
	size_t i;
	int r;

	if (version != RECORD_VERSION)
		return rl_fail(err, EPROTO, "its record has version %lld, this rl knows %d",
			       (long long)version, RECORD_VERSION);
	if (!id || strlen(id) != NETWORK_ID_LEN)
		return rl_fail(err, EINVAL, "its record is damaged: no id");
	memcpy(n->id, id, sizeof(n->id));
	if (!created || time_parse_rfc3339(created, &n->created_ns) < 0)
		n->created_ns = 0;
	n->internal = json_is_true(json_object_get(j, "internal"));
	n->dns = json_is_true(json_object_get(j, "dns"));
	n->mtu = (unsigned)json_integer_value(json_object_get(j, "mtu"));
	n->labels = json_object_get(j, "labels");
	n->options = json_object_get(j, "options");
	r = read_subnet(json_object_get(j, "ipv4"), AF_INET, &n->net4, &n->gw4, &n->first4,
			&n->last4, &n->has_range4, err);
	if (r == 0)
		r = read_subnet(json_object_get(j, "ipv6"), AF_INET6, &n->net6, &n->gw6, &n->first6,
				&n->last6, &n->has_range6, err);
	n->ipv6 = n->net6.ip.af != 0;
	if (r == 0)
		r = read_extras(j, n, err);
	json_array_foreach (servers, i, s) {
		if (r == 0 && json_string_value(s) &&
		    strv_add(&n->servers, json_string_value(s)) < 0)
			r = rl_oom(err);
	}
	return r;
}

int network_load(const struct rl *rl, const char *name, struct network *ret, struct rl_err *err)
{
	auto_free char *path = str_printf(NETWORKS_DIR "/%s/network.json", name);
	struct network n = { .name = strdup(name) };
	struct rl_err bad;
	int r = network_check_name(name, &bad);

	if (!path || !n.name)
		r = rl_oom(err);
	else if (r < 0) /* cannot be: nor look at a path that it would make */
		r = -ENOENT;
	else
		r = json_read_file(rl->data_fd, path, RECORD_MAX, &n.record, err);
	if (r == -ENOENT) {
		r = rl_fail(err, ENOENT, "no such network: '%s'", name);
		err->exit_code = 1;
	} else if (r == 0 && from_json(n.record, &n, err) < 0) {
		r = rl_wrap(err, "network '%s'", name);
	}
	if (r < 0) {
		network_done(&n);
		return r;
	}
	*ret = n;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int network_list(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	size_t before = ret->n;
	struct rl_err bad;
	const struct dirent *e;
	int fd = openat(rl->data_fd, NETWORKS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open '" NETWORKS_DIR "'");
	d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return rl_oom(err);
	}
	while ((e = readdir(d)))
		if (network_check_name(e->d_name, &bad) == 0 && strv_add(ret, e->d_name) < 0)
			return rl_oom(err);
	if (ret->n > before)
		qsort(ret->v + before, ret->n - before, sizeof(ret->v[0]), by_name);
	return 0;
}

int network_find(const struct rl *rl, const char *word, struct network *ret, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	struct network found = { 0 };
	struct rl_err ignored;
	int r = network_load(rl, word, ret, err);

	if (r != -ENOENT)
		return r;
	if (network_list(rl, &names, &ignored) < 0 || !*word)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		auto_network struct network n = { 0 };

		if (network_load(rl, names.v[i], &n, &ignored) < 0 ||
		    strncmp(n.id, word, strlen(word)) != 0)
			continue;
		if (found.name) {
			network_done(&found);
			return rl_fail(err, EEXIST, "'%s' begins the ids of several networks",
				       word);
		}
		found = n;
		n = (struct network){ 0 };
	}
	if (!found.name)
		return r;
	*ret = found;
	return 0;
}

/* --- making and removing ------------------------------------------------------------------ */

static int lock_all(const struct rl *rl, struct rl_err *err)
{
	int r = io_mkdirs(rl->data_fd, NETWORKS_DIR, 0700, err);

	return r < 0 ? r : io_flock_wait(rl->data_fd, LOCK, LOCK_MS, err);
}

int network_hold(const struct rl *rl, struct rl_err *err)
{
	return lock_all(rl, err);
}

static int is_busy(int fd, const char *name, struct rl_err *err)
{
	pid_t pid = io_flock_holder(fd);

	if (pid <= 0)
		return rl_fail(err, EBUSY, "network '%s' is being worked on by others", name);
	rl_fail(err, EBUSY, "network '%s' is being worked on by process %d", name, (int)pid);
	return rl_hint(err, "'kill -CONT %d' if it was stopped", (int)pid);
}

int network_lock(const struct rl *rl, const char *name, int timeout_ms, struct rl_err *err)
{
	auto_free char *path = str_printf(NETWORKS_DIR "/%s", name);
	const int64_t end = now_ms() + timeout_ms;
	auto_waiting struct waiting w = { 0 };
	bool is_named = false; /* not by @w, which stays off where SIGQUIT is ignored */
	auto_fd int fd = FD_NONE;
	struct stat st;

	if (!path)
		return rl_oom(err);
	fd = openat(rl->data_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return rl_fail(err, ENOENT, "network '%s' is gone", name);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return rl_fail_sys(err, errno, "lock '%s'", path);
		if (now_ms() >= end)
			return is_busy(fd, name, err);
		if (!is_named)
			io_flock_name(&w, fd, path);
		is_named = true;
		(void)poll(NULL, 0, LOCK_STEP);
	}
	/* renamed away meanwhile? */
	if (fstat(fd, &st) < 0 || st.st_nlink == 0 || faccessat(rl->data_fd, path, F_OK, 0) < 0)
		return rl_fail(err, ENOENT, "network '%s' is gone", name);
	return TAKE_FD(fd);
}

void network_sweep(const struct rl *rl)
{
	auto_strv struct strv names = { 0 };
	struct rl_err err;

	RL_IGNORE(network_list(rl, &names, &err)); /* those that were found */
	for (size_t i = 0; i < names.n; i++) {
		auto_fd int fd = network_lock(rl, names.v[i], 0, &err);

		if (fd >= 0)
			io_drop_temporary(fd);
	}
}

/* Leftovers of who died; under the lock. */
static void sweep(const struct rl *rl)
{
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	struct rl_err err;
	int fd = openat(rl->data_fd, NETWORKS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		fd_close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (strncmp(e->d_name, ".tmp-", 5) == 0 && io_remove_tree(fd, e->d_name, &err) < 0)
			log_debug("%s", err.msg); /* the next one tries again */
}

static int collect_taken(const struct rl *rl, struct network_taken *t, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = network_list(rl, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		auto_network struct network n = { 0 };
		auto_free char *who = str_printf("network '%s'", names.v[i]);
		struct rl_err why;

		if (!who)
			return rl_oom(err);
		if (network_load(rl, names.v[i], &n, &why) < 0) {
			log_debug("%s", why.msg);
			continue;
		}
		if ((n.net4.ip.af && network_take(t, &n.net4, who) < 0) ||
		    (n.net6.ip.af && network_take(t, &n.net6, who) < 0))
			r = rl_oom(err);
	}
	if (r == 0 && network_take_host(t) < 0)
		r = rl_oom(err);
	return r;
}

static int set_bridge(struct network *n, const char *name, struct rl_err *err)
{
	const size_t len = strlen(name);
	char *copy;

	if (len == 0 || len >= LEASE_IF_LEN || strpbrk(name, "/: \t%") || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0 || strcmp(name, "lo") == 0 || strcmp(name, "all") == 0 ||
	    strcmp(name, "default") == 0)
		return rl_fail(err, EINVAL, "'%s' is no name for an interface", name);
	copy = strdup(name);
	if (!copy)
		return rl_oom(err);
	free(n->bridge);
	n->bridge = copy;
	return 0;
}

static int set_option(struct network *n, const char *word, struct rl_err *err)
{
	/* what is so at any rate may be said */
	static const char *const as_it_is[] = { "com.docker.network.bridge.enable_icc",
						"com.docker.network.bridge.enable_ip_masquerade" };
	const char *eq = strchr(word, '=');
	const int len = eq ? (int)(eq - word) : (int)strlen(word);
	const char *v = eq ? eq + 1 : "";
	uint64_t mtu;
	bool yes;

	if (strncmp(word, "mtu=", 4) == 0 ||
	    strncmp(word, "com.docker.network.driver.mtu=", 30) == 0) {
		if (parse_uint(v, NET_MTU, &mtu) < 0 || mtu < NET_MTU_MIN)
			return rl_fail(err, EINVAL, "option '%s': %d to %d", word, NET_MTU_MIN,
				       NET_MTU);
		n->mtu = (unsigned)mtu;
		return 0;
	}
	if (strncmp(word, "isolate=", 8) == 0) {
		if (strcmp(v, "strict") == 0 || parse_bool(v, &yes) == 0)
			return 0; /* networks do not reach each other at any rate */
		return rl_fail(err, EINVAL, "option '%s': true, false or strict", word);
	}
	if (strncmp(word, BRIDGE_NAME "=", sizeof(BRIDGE_NAME)) == 0)
		return set_bridge(n, v, err);
	for (size_t i = 0; eq && i < ARRAY_LEN(as_it_is); i++)
		if (strncmp(word, as_it_is[i], (size_t)len) == 0 && !as_it_is[i][len] &&
		    parse_bool(v, &yes) == 0 && yes)
			return 0;
	rl_fail(err, EINVAL, "'%.*s' is no option of a network", len, word);
	return rl_hint(err, "mtu=, isolate= and " BRIDGE_NAME "= are");
}

static int add_server(struct network *n, const char *text, struct rl_err *err)
{
	struct ip a;

	if (!ip_parse(text, &a))
		return rl_fail(err, EINVAL, "name server '%s' is no address", text);
	if (strv_has(&n->servers, text))
		return 0;
	if (n->servers.n == NETWORK_SERVERS)
		return rl_fail(err, E2BIG, "at most %d name servers", NETWORK_SERVERS);
	return strv_add(&n->servers, text) < 0 ? rl_oom(err) : 0;
}

static int set_all(struct network *n, const struct network_req *q, struct rl_err *err)
{
	char random[RANDOM_LEN + 1];
	int r = 0;

	rand_hex(random, RANDOM_LEN / 2);
	rand_hex(n->id, NETWORK_ID_LEN / 2);
	n->name = q->name ? strdup(q->name) : str_printf("net-%s", random);
	n->created_ns = wall_ns();
	n->internal = q->internal;
	n->dns = !q->no_dns;
	n->mtu = NET_MTU;
	n->record = json_pack("{s:o, s:o, s:o}", "labels", pairs_object(q->labels), "options",
			      pairs_object(q->options), "aux", pairs_object(q->aux));
	if (!n->name || !n->record)
		return rl_oom(err);
	n->aux = json_object_get(n->record, "aux");
	r = set_bridge(n, q->bridge ? q->bridge : NETWORK_BRIDGE, err);
	n->labels = json_object_get(n->record, "labels");
	n->options = json_object_get(n->record, "options");
	for (size_t i = 0; r == 0 && q->options && i < q->options->n; i++)
		r = set_option(n, q->options->v[i], err);
	for (size_t i = 0; r == 0 && q->servers && i < q->servers->n; i++)
		r = add_server(n, q->servers->v[i], err);
	return r == 0 ? network_check_name(n->name, err) : r;
}

/* Under the lock: nobody else makes one. */
static int publish(const struct rl *rl, const struct network *n, struct rl_err *err)
{
	auto_free char *dir = str_printf(NETWORKS_DIR "/%s", n->name), *tmp = NULL;
	auto_free char *no_dns = NULL;
	char tag[17];
	int r;

	rand_hex(tag, 8);
	tmp = str_printf(NETWORKS_DIR "/.tmp-%s", tag);
	no_dns = str_printf(NETWORKS_DIR "/.tmp-%s/" NETWORK_NO_DNS, tag);
	if (!dir || !tmp || !no_dns)
		return rl_oom(err);
	r = io_mkdirs(rl->data_fd, tmp, 0700, err);
	if (r == 0)
		r = write_record(rl, n, tmp, err);
	if (r == 0 && !n->dns)
		r = io_replace_file(rl->data_fd, no_dns, "", 0, 0600, IO_NOSYNC, err);
	if (r == 0 && renameat(rl->data_fd, tmp, rl->data_fd, dir) < 0)
		r = errno == EEXIST || errno == ENOTEMPTY
			    ? rl_fail(err, EEXIST, "network '%s' exists already", n->name)
			    : rl_fail_sys(err, errno, "create network '%s'", n->name);
	if (r < 0)
		RL_IGNORE(io_remove_tree(rl->data_fd, tmp, &(struct rl_err){ 0 })); /* or swept */
	return r;
}

int network_create(const struct rl *rl, const struct network_req *req, struct network *ret,
		   struct rl_err *err)
{
	auto_fd int lock = FD_NONE;
	struct network_taken taken = { 0 };
	struct network n = { 0 }, old = { 0 };
	struct rl_err none;
	int r = set_all(&n, req, err);

	if (r == 0) {
		lock = lock_all(rl, err);
		r = lock < 0 ? lock : 0;
	}
	if (r == 0) {
		sweep(rl);
		if (network_load(rl, n.name, &old, &none) != -ENOENT)
			r = rl_fail(err, EEXIST, "network '%s' exists already", n.name);
		network_done(&old);
	}
	if (r == 0)
		r = collect_taken(rl, &taken, err);
	if (r == 0)
		r = network_plan(&n, req, &taken, err);
	if (r == 0)
		r = publish(rl, &n, err);
	network_taken_done(&taken);
	if (r < 0) {
		network_done(&n);
		return r;
	}
	*ret = n;
	return 0;
}

/* Does the file of a container (lines "<network> ...") name @name? */
static bool names(const struct buf *b, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = b->data; p && *p;) {
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			return true;
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return false;
}

int network_users(const struct rl *rl, const char *name, struct strv *ret, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open 'containers'");
	d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return rl_oom(err);
	}
	while ((e = readdir(d))) {
		const bool is_new = strncmp(e->d_name, ".new-", 5) == 0;
		auto_free char *path = str_printf("%s/" CONTAINER_NETWORKS, e->d_name);
		auto_buf struct buf b = { 0 };
		struct rl_err none;

		if (e->d_name[0] == '.' && !is_new)
			continue;
		if (!path)
			return rl_oom(err);
		if (io_read_file(fd, path, USERS_MAX, &b, &none) == 0 && names(&b, name) &&
		    strv_add(ret, e->d_name + (is_new ? 5 : 0)) < 0)
			return rl_oom(err);
	}
	return 0;
}

int network_remove(const struct rl *rl, const char *name, struct rl_err *err)
{
	auto_free char *dir = str_printf(NETWORKS_DIR "/%s", name), *tmp = NULL;
	auto_fd int all = FD_NONE, one = FD_NONE;
	auto_strv struct strv users = { 0 };
	char tag[17];
	int r;

	rand_hex(tag, 8);
	tmp = str_printf(NETWORKS_DIR "/.tmp-%s", tag);
	if (!dir || !tmp)
		return rl_oom(err);
	all = lock_all(rl, err);
	if (all < 0)
		return all;
	r = network_users(rl, name, &users, err);
	if (r == 0 && users.n > 0) {
		rl_fail(err, EBUSY, "network '%s' is used by container %.12s%s", name, users.v[0],
			users.n > 1 ? " and others" : "");
		err->exit_code = 2;
		return rl_hint(err, "rl network rm -f removes them with it");
	}
	if (r ==
	    0) { /* whoever takes a lease just now ends first, and finds no network after that */
		one = network_lock(rl, name, LOCK_MS, err);
		r = one < 0 ? one : 0;
	}
	if (r == -ENOENT) {
		r = rl_fail(err, ENOENT, "no such network: '%s'", name);
		err->exit_code = 1;
	}
	if (r < 0)
		return r;
	if (renameat(rl->data_fd, dir, rl->data_fd, tmp) < 0)
		return rl_fail_sys(err, errno, "remove network '%s'", name);
	sweep(rl);
	return 0;
}

static int drop_server(struct network *n, const char *text, struct rl_err *err)
{
	auto_strv struct strv old = n->servers;

	n->servers = (struct strv){ 0 };
	for (size_t i = 0; i < old.n; i++)
		if (strcmp(old.v[i], text) != 0 && strv_add(&n->servers, old.v[i]) < 0)
			return rl_oom(err);
	return n->servers.n < old.n ? 0
				    : rl_fail(err, ENOENT, "network '%s' has no name server '%s'",
					      n->name, text);
}

int network_update(const struct rl *rl, const char *name, const struct strv *add,
		   const struct strv *drop, struct rl_err *err)
{
	auto_free char *dir = str_printf(NETWORKS_DIR "/%s", name);
	auto_fd int lock = network_lock(rl, name, LOCK_MS, err);
	auto_network struct network n = { 0 };
	int r = lock < 0 ? lock : dir ? network_load(rl, name, &n, err) : rl_oom(err);

	for (size_t i = 0; r == 0 && i < drop->n; i++)
		r = drop_server(&n, drop->v[i], err);
	for (size_t i = 0; r == 0 && i < add->n; i++)
		r = add_server(&n, add->v[i], err);
	return r == 0 ? write_record(rl, &n, dir, err) : r;
}
