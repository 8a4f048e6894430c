/* SPDX-License-Identifier: Apache-2.0 */
/* lease.c - the list of a network's containers; the header has the format */
#include "config.h"

#include "net/lease.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"

#define FIELDS 6

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool mac_parse(const char *s, uint8_t ret[6])
{
	uint8_t mac[6];

	for (int i = 0; i < 6; i++, s += 3) {
		int high = hex(s[0]), low = high < 0 ? -1 : hex(s[1]);

		if (low < 0 || (i < 5 ? s[2] != ':' && s[2] != '-' : s[2] != '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, mac, 6);
	return true;
}

const char *mac_print(const uint8_t m[6], char text[LEASE_MAC_TEXT])
{
	(void)snprintf(text, LEASE_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
		       m[3], m[4], m[5]);
	return text;
}

/* "-" is none */
static bool address(const char *s, uint8_t af, struct ip *ret)
{
	if (strcmp(s, "-") == 0) {
		*ret = (struct ip){ 0 };
		return true;
	}
	return ip_parse(s, ret) && ret->af == af;
}

int lease_parse(const char *line, size_t len, struct lease *ret)
{
	auto_free char *text = strndup(line, len);
	struct lease l = { 0 };
	char *field[FIELDS], *p = text;
	int r;

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < FIELDS; i++) {
		field[i] = p;
		p = p ? strchr(p, ' ') : NULL;
		if (p)
			*p++ = '\0';
		if (!field[i] || !*field[i])
			return -EINVAL;
	}
	if (p || strlen(field[0]) != LEASE_ID_LEN || strlen(field[1]) >= LEASE_IF_LEN ||
	    !mac_parse(field[2], l.mac) || !address(field[3], AF_INET, &l.ip4) ||
	    !address(field[4], AF_INET6, &l.ip6))
		return -EINVAL;
	memcpy(l.id, field[0], LEASE_ID_LEN);
	(void)snprintf(l.ifname, sizeof(l.ifname), "%s", field[1]);
	r = strv_split(&l.names, field[5], ',');
	if (r < 0) {
		strv_done(&l.names);
		return r;
	}
	*ret = l;
	return 0;
}

void lease_done(struct lease *l)
{
	strv_done(&l->names);
	*l = (struct lease){ 0 };
}

int leases_add(struct leases *l, struct lease *one)
{
	struct lease *v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	l->v = v;
	l->v[l->n++] = *one;
	*one = (struct lease){ 0 };
	return 0;
}

void leases_drop(struct leases *l, size_t i)
{
	lease_done(&l->v[i]);
	memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(l->v[0]));
	l->n--;
}

struct lease *leases_of(const struct leases *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, id) == 0)
			return &l->v[i];
	return NULL;
}

void leases_done(struct leases *l)
{
	for (size_t i = 0; i < l->n; i++)
		lease_done(&l->v[i]);
	free(l->v);
	*l = (struct leases){ 0 };
}

int leases_parse(const char *text, size_t len, struct leases *ret)
{
	struct leases all = { 0 };
	int r = 0;

	while (len > 0 && r != -ENOMEM) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		struct lease one;

		r = lease_parse(text, n, &one);
		if (r == 0) {
			r = leases_add(&all, &one);
			lease_done(&one);
		}
		text += n + (end ? 1 : 0);
		len -= n + (end ? 1 : 0);
	}
	if (r == -ENOMEM) {
		leases_done(&all);
		return r;
	}
	*ret = all;
	return 0;
}

int leases_print(const struct leases *l, struct buf *out)
{
	char mac[LEASE_MAC_TEXT], ip4[IP_TEXT], ip6[IP_TEXT];
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		const struct lease *x = &l->v[i];

		r = buf_printf(out, "%s %s %s %s %s ", x->id, x->ifname, mac_print(x->mac, mac),
			       x->ip4.af ? ip_print(&x->ip4, ip4) : "-",
			       x->ip6.af ? ip_print(&x->ip6, ip6) : "-");
		for (size_t k = 0; r == 0 && k < x->names.n; k++)
			r = buf_printf(out, "%s%s", k ? "," : "", x->names.v[k]);
		if (r == 0)
			r = buf_str(out, x->names.n ? "\n" : "-\n");
	}
	return r;
}
