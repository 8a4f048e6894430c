/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - what a container belongs to; the header has the format */
#include "config.h"

#include "net/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "net/addr.h"
#include "net/network.h"

#define FIELDS    6
#define ALIAS_MAX 253 /* a domain name, RFC 1035 */

bool endpoint_is_named(const char *word)
{
	static const char *const modes[] = { "",          "none",    "host",  "bridge",
					     "private",   "default", "pasta", "slirp4netns",
					     "container", "ns",      "podman" };
	size_t n = strcspn(word, ":");

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strlen(modes[i]) == n && memcmp(modes[i], word, n) == 0)
			return false;
	return true;
}

static void endpoint_done(struct endpoint *e)
{
	free(e->network);
	strv_done(&e->aliases);
	*e = (struct endpoint){ 0 };
}

void endpoints_done(struct endpoints *e)
{
	while (e->n > 0)
		endpoint_done(&e->v[--e->n]);
}

void endpoints_drop(struct endpoints *e, size_t i)
{
	endpoint_done(&e->v[i]);
	memmove(&e->v[i], &e->v[i + 1], (e->n - i - 1) * sizeof(e->v[0]));
	e->v[--e->n] = (struct endpoint){ 0 };
}

struct endpoint *endpoints_find(struct endpoints *e, const char *network)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->v[i].network, network) == 0)
			return &e->v[i];
	return NULL;
}

/* --- what users say ------------------------------------------------------------------------- */

int endpoint_set_ip(struct endpoint *e, const char *text, struct rl_err *err)
{
	struct ip a, *to;

	if (!ip_parse(text, &a))
		return rl_fail(err, EINVAL, "'%s' is no IP address", text);
	to = a.af == AF_INET ? &e->ip4 : &e->ip6;
	if (to->af)
		return rl_fail(err, EINVAL, "address '%s': there is one of its family already",
			       text);
	*to = a;
	return 0;
}

int endpoint_set_mac(struct endpoint *e, const char *text, struct rl_err *err)
{
	static const uint8_t none[6];

	if (!mac_parse(text, e->mac) || e->mac[0] & 1 || memcmp(e->mac, none, 6) == 0) {
		rl_fail(err, EINVAL, "'%s' is no MAC address for a container", text);
		return rl_hint(err, "such as 02:00:00:12:34:56; the first byte is even");
	}
	e->has_mac = true;
	return 0;
}

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9') || (i > 0 && strchr("_.-", s[i]))))
			return false;
	return n > 0 && n <= ALIAS_MAX;
}

int endpoint_add_alias(struct endpoint *e, const char *text, struct rl_err *err)
{
	if (!is_name(text))
		return rl_fail(err, EINVAL, "'%s' is no name for a container on a network", text);
	return strv_has(&e->aliases, text) || strv_add(&e->aliases, text) == 0 ? 0 : rl_oom(err);
}

static int set_interface(struct endpoint *e, const char *text, struct rl_err *err)
{
	size_t n = strlen(text);

	if (n == 0 || n >= sizeof(e->ifname) || strpbrk(text, "/: \t%") || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0 || strcmp(text, "lo") == 0 || strcmp(text, "all") == 0 ||
	    strcmp(text, "default") == 0 || strcmp(text, NET_TAP_NAME) == 0)
		return rl_fail(err, EINVAL, "'%s' is no name for an interface", text);
	memcpy(e->ifname, text, n + 1);
	return 0;
}

static int set_option(struct endpoint *e, const char *word, struct rl_err *err)
{
	static const struct {
		const char *key;
		int (*set)(struct endpoint *, const char *, struct rl_err *);
	} known[] = {
		{ "ip=", endpoint_set_ip },           { "ip6=", endpoint_set_ip },
		{ "mac=", endpoint_set_mac },         { "alias=", endpoint_add_alias },
		{ "interface_name=", set_interface },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t n = strlen(known[i].key);

		if (strncmp(word, known[i].key, n) == 0)
			return known[i].set(e, word + n, err);
	}
	rl_fail(err, EINVAL, "'%s' is no option of a network", word);
	return rl_hint(err, "ip=, ip6=, mac=, alias= and interface_name= are");
}

static bool has_interface(const struct endpoints *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->v[i].ifname, name) == 0)
			return true;
	return false;
}

static int name_interface(const struct endpoints *e, struct endpoint *one, struct rl_err *err)
{
	if (one->ifname[0])
		return has_interface(e, one->ifname)
			       ? rl_fail(err, EEXIST, "two interfaces would be called '%s'",
					 one->ifname)
			       : 0;
	for (unsigned i = 0; !one->ifname[0] || has_interface(e, one->ifname); i++)
		(void)snprintf(one->ifname, sizeof(one->ifname), "eth%u", i);
	return 0;
}

int endpoints_parse(struct endpoints *e, const char *word, struct rl_err *err)
{
	const size_t n = strcspn(word, ":");
	auto_strv struct strv options = { 0 };
	struct endpoint one = { .network = strndup(word, n) };
	int r = 0;

	if (!one.network || (word[n] && strv_split(&options, word + n + 1, ',') < 0))
		r = rl_oom(err);
	if (r == 0 && e->n == ENDPOINTS_MAX)
		r = rl_fail(err, E2BIG, "a container can be on %d networks at most", ENDPOINTS_MAX);
	if (r == 0 && endpoints_find(e, one.network))
		r = rl_fail(err, EEXIST, "network '%s' was named twice", one.network);
	for (size_t i = 0; r == 0 && i < options.n; i++)
		if (options.v[i][0])
			r = set_option(&one, options.v[i], err);
	if (r == 0)
		r = name_interface(e, &one, err);
	if (r < 0) {
		endpoint_done(&one);
		return rl_wrap(err, "network '%.*s'", (int)n, word);
	}
	e->v[e->n++] = one;
	return 0;
}

/* --- the file --------------------------------------------------------------------------- */

static int parse_line(char *line, struct endpoint *ret)
{
	struct endpoint e = { 0 };
	char *field[FIELDS], *p = line;
	int r = 0;

	for (size_t i = 0; i < FIELDS; i++) {
		field[i] = p;
		p = p ? strchr(p, ' ') : NULL;
		if (p)
			*p++ = '\0';
		if (!field[i] || !*field[i])
			return -EINVAL;
	}
	if (p || strlen(field[1]) >= sizeof(e.ifname))
		return -EINVAL;
	(void)snprintf(e.ifname, sizeof(e.ifname), "%s", field[1]);
	e.has_mac = strcmp(field[2], "-") != 0;
	if ((e.has_mac && !mac_parse(field[2], e.mac)) ||
	    (strcmp(field[3], "-") != 0 && !ip_parse(field[3], &e.ip4)) ||
	    (strcmp(field[4], "-") != 0 && !ip_parse(field[4], &e.ip6)))
		return -EINVAL;
	e.network = strdup(field[0]);
	if (!e.network)
		return -ENOMEM;
	if (strcmp(field[5], "-") != 0)
		r = strv_split(&e.aliases, field[5], ',');
	if (r < 0) {
		endpoint_done(&e);
		return r;
	}
	*ret = e;
	return 0;
}

int endpoints_read(int ctr_fd, struct endpoints *ret, struct rl_err *err)
{
	struct endpoints e = { 0 };
	auto_buf struct buf b = { 0 };
	int r = io_read_file(ctr_fd, CONTAINER_NETWORKS, ENDPOINTS_FILE_MAX, &b, err);

	if (r == -ENOENT) {
		*ret = e;
		return 0;
	}
	for (char *line = b.data, *next; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (e.n == ENDPOINTS_MAX || parse_line(line, &e.v[e.n]) < 0)
			r = rl_fail(err, EINVAL, "'" CONTAINER_NETWORKS "' is damaged");
		else
			e.n++;
	}
	if (r < 0) {
		endpoints_done(&e);
		return r;
	}
	*ret = e;
	return 0;
}

static int print_line(const struct endpoint *e, struct buf *out)
{
	char mac[LEASE_MAC_TEXT], ip4[IP_TEXT], ip6[IP_TEXT];
	int r = buf_printf(out, "%s %s %s %s %s ", e->network, e->ifname,
			   e->has_mac ? mac_print(e->mac, mac) : "-",
			   e->ip4.af ? ip_print(&e->ip4, ip4) : "-",
			   e->ip6.af ? ip_print(&e->ip6, ip6) : "-");

	for (size_t i = 0; r == 0 && i < e->aliases.n; i++)
		r = buf_printf(out, "%s%s", i ? "," : "", e->aliases.v[i]);
	return r == 0 ? buf_str(out, e->aliases.n ? "\n" : "-\n") : r;
}

int endpoints_write(int ctr_fd, const struct endpoints *e, bool sync, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->n; i++)
		r = print_line(&e->v[i], &b);
	if (r < 0)
		return rl_oom(err);
	return io_replace_file(ctr_fd, CONTAINER_NETWORKS, b.data ? b.data : "", b.len, 0600,
			       sync ? IO_SYNC : IO_NOSYNC, err);
}
