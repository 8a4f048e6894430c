/* SPDX-License-Identifier: Apache-2.0 */
/* dnsmsg.c - the little of a DNS message that a forwarder must understand (RFC 1035 section 4) */
#include "config.h"

#include <string.h>

#include "net/dns.h"

#define QR 0x80 /* byte 2 */
#define RD 0x01
#define TC 0x02
#define RA 0x80 /* byte 3 */

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
