/* SPDX-License-Identifier: Apache-2.0 */
/* dnsmsg.c - the little of a DNS message that a forwarder must understand (RFC 1035 section 4) */
#include "config.h"

#include <string.h>

#include "net/dns.h"

#define QR 0x80 /* byte 2 */
#define RD 0x01
#define TC 0x02
#define RA 0x80 /* byte 3 */

#define TYPE_A     1
#define TYPE_CNAME 5
#define TYPE_AAAA  28
#define SEARCH_TTL 1 /* second: the list may be another one then */

size_t dns_question_len(const uint8_t *msg, size_t len)
{
	size_t i = DNS_HEADER;

	if (len < DNS_HEADER || msg[4] != 0 || msg[5] != 1)
		return 0;
	while (i < len && msg[i] != 0) {
		if (msg[i] > 63) /* also the compression marks: there is nothing to point back to */
			return 0;
		i += 1U + msg[i];
		if (i - DNS_HEADER > 254)
			return 0;
	}
	i += 1 + 4; /* root label, type, class */
	return i <= len ? i : 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

int dns_is_answer(const uint8_t *query, size_t query_len, const uint8_t *answer, size_t len)
{
	size_t q = dns_question_len(query, query_len);

	if (q == 0 || len < DNS_HEADER || !(answer[2] & QR) || memcmp(query, answer, 2) != 0)
		return 0;
	/* an error may come without the question (RFC 1035 does not forbid it; some servers do) */
	if (len == DNS_HEADER && answer[4] == 0 && answer[5] == 0)
		return (answer[3] & 15) != DNS_OK;
	if (dns_question_len(answer, len) != q)
		return 0;
	for (size_t i = DNS_HEADER; i < q; i++)
		if (lower(query[i]) != lower(answer[i]))
			return 0;
	return 1;
}

size_t dns_make_answer(const uint8_t *query, size_t query_len, enum dns_rcode rcode, int truncated,
		       uint8_t *out)
{
	size_t q = dns_question_len(query, query_len), n = q ? q : DNS_HEADER;

	memmove(out, query, n);
	out[2] = (uint8_t)(QR | (query[2] & (0x78 | RD)) | (truncated ? TC : 0));
	out[3] = (uint8_t)(RA | rcode);
	memset(out + 4, 0, 8);
	out[5] = q ? 1 : 0;
	return n;
}

size_t dns_make_query(const char *name, uint16_t type, uint8_t *out, size_t room)
{
	size_t n = DNS_HEADER;

	if (strlen(name) > 253 || room < DNS_HEADER + 255 + 4)
		return 0;
	memset(out, 0, DNS_HEADER);
	out[2] = RD;
	out[5] = 1;
	name += strcmp(name, ".") == 0;
	while (*name) {
		size_t label = strcspn(name, ".");

		if (label == 0 || label > 63)
			return 0;
		out[n++] = (uint8_t)label;
		memcpy(out + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	out[n++] = 0;
	out[n++] = (uint8_t)(type >> 8);
	out[n++] = (uint8_t)type;
	out[n++] = 0;
	out[n++] = 1; /* class IN */
	return n;
}

/* Behind a name, compressed or not; 0 when it does not end. */
static size_t skip_name(const uint8_t *msg, size_t len, size_t i)
{
	while (i < len && msg[i] != 0) {
		if ((msg[i] & 0xc0) == 0xc0)
			return i + 2 <= len ? i + 2 : 0;
		if (msg[i] > 63)
			return 0;
		i += 1U + msg[i];
	}
	return i < len ? i + 1 : 0;
}

size_t dns_first_address(const uint8_t *msg, size_t len, uint16_t type, uint8_t out[16])
{
	const size_t want = type == 28 ? 16 : 4;
	size_t i = dns_question_len(msg, len), n, bytes;

	if (i == 0)
		return 0;
	for (n = (size_t)(msg[6] << 8 | msg[7]); n > 0; n--, i += 10 + bytes) {
		i = skip_name(msg, len, i);
		if (i == 0 || len - i < 10)
			return 0;
		bytes = (size_t)(msg[i + 8] << 8 | msg[i + 9]);
		if (bytes > len - i - 10)
			return 0;
		if ((msg[i] << 8 | msg[i + 1]) == type && bytes == want) {
			memcpy(out, msg + i + 10, want);
			return want;
		}
	}
	return 0;
}

uint16_t dns_question_type(const uint8_t *query, size_t query_len)
{
	size_t q = dns_question_len(query, query_len);

	return q ? (uint16_t)(query[q - 4] << 8 | query[q - 3]) : 0;
}

int dns_asks_for(const uint8_t *query, size_t query_len, const char *name)
{
	size_t i = DNS_HEADER;

	if (dns_question_len(query, query_len) == 0)
		return 0;
	for (size_t label = query[i]; label > 0; label = query[i]) {
		if (strcspn(name, ".") != label)
			return 0;
		for (i++; label > 0; label--)
			if (lower(query[i++]) != (uint8_t)*name++)
				return 0;
		name += *name == '.';
	}
	return *name == '\0';
}

size_t dns_make_address(const uint8_t *query, size_t query_len, const uint8_t *address, size_t len,
			uint8_t *out, size_t room)
{
	/* the name is the question's, type as asked, class IN, short-lived */
	uint8_t record[12 + 16] = { 0xc0, DNS_HEADER, 0, 0, 0, 1, 0, 0, 0, 5, 0, (uint8_t)len };
	const size_t q = dns_question_len(query, query_len);

	if (q == 0 || len > 16 || q + 12 + len > room)
		return 0;
	(void)dns_make_answer(query, query_len, DNS_OK, 0, out);
	if (len == 0)
		return q;
	out[7] = 1;
	memcpy(record + 2, query + q - 4, 2);
	memcpy(record + 12, address, len);
	memcpy(out + q, record, 12 + len);
	return q + 12 + len;
}

/* --- the search list -------------------------------------------------------------------------- */

bool dns_is_searched(const uint8_t *query, size_t query_len, unsigned ndots)
{
	const size_t q = dns_question_len(query, query_len);
	unsigned labels = 0;
	uint16_t type;

	if (q == 0 || query[q - 2] != 0 || query[q - 1] != 1) /* class IN */
		return false;
	type = dns_question_type(query, query_len);
	for (size_t i = DNS_HEADER; query[i]; i += 1U + query[i])
		labels++;
	return (type == TYPE_A || type == TYPE_AAAA) && labels > 0 && labels - 1 < ndots;
}

size_t dns_add_domain(uint8_t *query, size_t len, size_t room, const char *domain, size_t n)
{
	const size_t q = dns_question_len(query, len), at = q - 5; /* of the root label */

	/* each dot becomes a length, and there is one in front */
	if (q == 0 || n == 0 || len + n + 1 > room || q - 4 - DNS_HEADER + n + 1 > 255)
		return 0;
	memmove(query + at + n + 1, query + at, len - at);
	for (size_t i = 0; i < n;) {
		size_t label = 0;

		while (i + label < n && domain[i + label] != '.')
			label++;
		query[at + i] = (uint8_t)label;
		memcpy(query + at + i + 1, domain + i, label);
		i += label + 1;
	}
	return n + 1;
}

/* The name at @i without pointers, at most 255 bytes. Its length, or 0: malformed. */
static size_t read_name(const uint8_t *msg, size_t len, size_t i, uint8_t out[255])
{
	size_t n = 0;

	for (unsigned jumps = 0; i < len && jumps < 16;) {
		if ((msg[i] & 0xc0) == 0xc0) {
			if (i + 1 >= len)
				return 0;
			i = (size_t)(msg[i] & 0x3f) << 8 | msg[i + 1];
			jumps++;
			continue;
		}
		if (msg[i] > 63 || i + 1 + msg[i] > len || n + 1 + msg[i] > 255)
			return 0;
		memcpy(out + n, msg + i, 1U + msg[i]);
		n += 1U + msg[i];
		if (msg[i] == 0)
			return n;
		i += 1U + msg[i];
	}
	return 0;
}

static bool same_name(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

struct record {
	uint8_t owner[255], name[255]; /* @name: of a CNAME */
	size_t n_owner, n_name, n_data;
	const uint8_t *head, *data; /* type, class, TTL, length; what follows */
	uint16_t type;
};

/* The record at @i. Where the next one is; 0: malformed. */
static size_t read_record(const uint8_t *msg, size_t len, size_t i, struct record *r)
{
	r->n_owner = read_name(msg, len, i, r->owner);
	i = skip_name(msg, len, i);
	if (r->n_owner == 0 || i == 0 || len - i < 10)
		return 0;
	r->head = msg + i;
	r->type = (uint16_t)(msg[i] << 8 | msg[i + 1]);
	r->n_data = (size_t)(msg[i + 8] << 8 | msg[i + 9]);
	r->data = msg + i + 10;
	if (r->n_data > len - i - 10)
		return 0;
	r->n_name = r->type == TYPE_CNAME ? read_name(msg, len, i + 10, r->name) : 0;
	return r->type == TYPE_CNAME && r->n_name == 0 ? 0 : i + 10 + r->n_data;
}

struct out {
	uint8_t *p;
	size_t n, room;
	unsigned answers;
};

static bool put(struct out *o, const void *data, size_t n)
{
	if (o->room - o->n < n)
		return false;
	memcpy(o->p + o->n, data, n);
	o->n += n;
	return true;
}

/* One more answer; @whole: the name that the search has found, which stands at @at already. */
static bool put_record(struct out *o, const struct record *r, const uint8_t *whole, size_t n_whole,
		       size_t at)
{
	const uint8_t *data = r->n_name ? r->name : r->data,
		      ref[2] = { 0xc0 | (uint8_t)(at >> 8), (uint8_t)at };
	const size_t n = r->n_name ? r->n_name : r->n_data, before = o->n;
	const uint8_t size[2] = { (uint8_t)(n >> 8), (uint8_t)n };
	const bool same = r->n_owner == n_whole && same_name(r->owner, whole, n_whole);

	if ((same ? put(o, ref, 2) : put(o, r->owner, r->n_owner)) && put(o, r->head, 8) &&
	    put(o, size, 2) && put(o, data, n)) {
		o->answers++;
		return true;
	}
	o->n = before; /* enough to choose from */
	return false;
}

size_t dns_rename_answer(const uint8_t *query, size_t query_len, const uint8_t *answer, size_t len,
			 uint8_t *out, size_t room)
{
	const size_t q = dns_question_len(query, query_len), w = dns_question_len(answer, len);
	const uint16_t type = dns_question_type(query, query_len);
	struct out o = { .p = out, .room = room };
	const uint8_t *whole = answer + DNS_HEADER;
	const size_t n_whole = w - 4 - DNS_HEADER;
	struct record r;
	size_t i = w, at;
	bool found = false;

	if (q == 0 || w == 0 || room < q + 12)
		return 0;
	o.n = dns_make_answer(query, query_len, DNS_OK, 0, out);
	at = o.n + 12;
	r = (struct record){ .n_owner = 2, .n_name = n_whole, .type = TYPE_CNAME };
	memcpy(r.owner, (const uint8_t[]){ 0xc0, DNS_HEADER }, 2);
	memcpy(r.name, whole, n_whole);
	r.head = (const uint8_t[]){ 0, TYPE_CNAME, 0, 1, 0, 0, 0, SEARCH_TTL };
	if (!put_record(&o, &r, whole, n_whole, at))
		return 0;
	for (unsigned left = (unsigned)(answer[6] << 8 | answer[7]); left > 0; left--) {
		i = read_record(answer, len, i, &r);
		if (i == 0)
			return 0;
		if (r.type != TYPE_CNAME && r.type != type)
			continue; /* signatures are of another name */
		found = found || r.type == type;
		if (!put_record(&o, &r, whole, n_whole, at))
			break;
	}
	if (!found) /* the name is there, but not with that type */
		return dns_make_answer(query, query_len, DNS_OK, 0, out);
	out[7] = (uint8_t)o.answers;
	out[6] = (uint8_t)(o.answers >> 8);
	return o.n;
}
