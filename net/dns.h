/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.h - the name server of a private network: asks the host's resolvers on the container's behalf
 *
 * Theory of operation: the loop hands every query to 10.0.2.3:53 or [fd00::3]:53 to
 * dns_query(). Nothing about the host's resolvers is remembered from the start: for each query
 * (at most every DNS_LIST_MS) the reader of resolver.h is asked for resolv.conf, so a VPN that
 * comes and goes is followed without anybody being told. The query is then sent to the first server
 * from a socket of its own (random source port, connected: only that server can answer, and its
 * "port unreachable" is heard) under a random id. After DNS_TRY_MS of silence the next server is
 * asked as well, and the first answer from any wins. A server that was silent is put behind the
 * others for DNS_PENALTY_MS. An answer counts when socket, id and question agree; SERVFAIL, REFUSED
 * and NOTIMP from one server mean "ask the next". When all have failed, or there is none, the
 * container gets SERVFAIL at once, so that programs do not hang on a host without network.
 *
 * The message itself passes as it is, except for the id: EDNS, DNSSEC and truncation are between
 * the container and the host's resolver. One that does not fit into the MTU goes back truncated.
 * A query over TCP (dns_tcp.h) takes the same way; when the answer to it comes back truncated, the server
 * is asked again over TCP.
 *
 * Search list: the container's resolv.conf has none of the host's (it could not be kept right there
 * without writing into a file that is being read), its names come as they are. A and AAAA of a name with
 * fewer dots than the host's ndots (1: a single word) are looked for below each domain of the host's list
 * as it is now, then as they are, as the C library does; the answer says by a CNAME what was found.
 * The first domain in which the name exists ends the search, whether it has the type or not, so that A and
 * AAAA agree. A name with enough dots is asked for as it is and nothing else, as systemd-resolved and musl
 * do: here nobody can tell "a.b" from "a.b.".
 *
 * Limits: DNS_SLOTS queries in flight, DNS_QUERY_MAX bytes each; more are answered SERVFAIL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "net/frame.h"
#include "net/pollset.h"

#define DNS_SLOTS      256
#define DNS_QUERY_MAX  1232
#define DNS_HEADER     12
#define DNS_LIST_MS    100  /* resolv.conf is read again for queries later than this */
#define DNS_TRY_MS     1000 /* then the next server */
#define DNS_GIVE_UP_MS 4500 /* less than the 5 s after which the C library asks anew */
#define DNS_PENALTY_MS 10000

enum dns_rcode { DNS_OK, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };

/*
 * dns_question_len() - Bytes of header and question of a message with exactly one question
 *
 * Return: the length, or 0 when it is malformed (no or several questions, a compressed or cut
 * name, one over 255 bytes)
 */
size_t dns_question_len(const uint8_t *msg, size_t len);
/* Does @answer answer @query: a response, same id, same question (case may differ)? */
int dns_is_answer(const uint8_t *query, size_t query_len, const uint8_t *answer, size_t len);
/*
 * An answer without records to @query: header and, if it is well formed, the question.
 * @out has room for @query_len, at least DNS_HEADER. Return: bytes.
 */
size_t dns_make_answer(const uint8_t *query, size_t query_len, enum dns_rcode rcode, int truncated,
		       uint8_t *out);

/* A query for one name, "" or "." for the root; its id is left 0. Bytes, or 0: no such name. */
size_t dns_make_query(const char *name, uint16_t type, uint8_t *out, size_t room);
/* The first address (type 1: A, 28: AAAA) in an answer: 4 or 16 bytes into @out, or 0. */
size_t dns_first_address(const uint8_t *msg, size_t len, uint16_t type, uint8_t out[16]);

/*
 * An answer to @query (well-formed, one question) with one address of 4 or 16 bytes, or with none
 * (@len 0: the name is there, but not with that type). @room: of @out. Bytes, or 0: no room.
 */
size_t dns_make_address(const uint8_t *query, size_t query_len, const uint8_t *address, size_t len,
			uint8_t *out, size_t room);
/* Type of the question, and whether it asks for @name (a whole name, lower case, with dots). */
uint16_t dns_question_type(const uint8_t *query, size_t query_len);
int dns_asks_for(const uint8_t *query, size_t query_len, const char *name);

/*
 * The search list. Is A or AAAA of a name with fewer dots asked for? Put @domain (text, @n bytes, as
 * resolv_search() has it) behind the name: bytes added, 0 when there is no room for such a name.
 */
bool dns_is_searched(const uint8_t *query, size_t query_len, unsigned ndots);
size_t dns_add_domain(uint8_t *query, size_t len, size_t room, const char *domain, size_t n);
/*
 * An answer to @query of what @answer has found for the longer name: addresses, and the CNAMEs that lead
 * to them. Bytes, at most @room; 0: @answer is malformed.
 */
size_t dns_rename_answer(const uint8_t *query, size_t query_len, const uint8_t *answer, size_t len,
			 uint8_t *out, size_t room);

struct dns;
typedef void (*dns_reply_fn)(void *arg, const struct frame_udp *to, const uint8_t *msg, size_t len);

/*
 * @reader_fd: of resolv_reader_start(), or FD_NONE; borrowed. @reply_max: bytes of an answer that a
 * datagram of the network can carry. @reply: @to is as dns_query() got it. NULL: out of memory.
 */
struct dns *dns_new(int reader_fd, size_t reply_max, dns_reply_fn reply, void *arg);
/* Ask the reader for the names of containers first (names.h). @only: and nobody else, ever. 0 or -ENOMEM */
int dns_serve_names(struct dns *d, bool only) RL_MUST_USE;
/* Ask these servers ("nameserver" lines) and not those of the host; none: those again. */
void dns_use_servers(struct dns *d, const char *text);
/* Look for short names in the host's search list. */
void dns_use_search(struct dns *d);
void dns_free(struct dns *d);
/*
 * Answer for host.containers.internal and host.docker.internal here, with the gateway's addresses
 * (@ip6: NULL without IPv6): /etc/hosts of the container has them as well, but not every program reads it.
 */
void dns_host(struct dns *d, const uint8_t ip4[4], const uint8_t *ip6);

/* A query of the container, of a datagram or with @q->conn set; now_ms from the monotonic clock. */
void dns_query(struct dns *d, const struct frame_udp *q, int64_t now_ms);
/* Before poll(): add descriptors; lowers @timeout_ms (-1: none) to the next thing due. */
void dns_fill(struct dns *d, struct pollset *set, int *timeout_ms, int64_t now_ms);
/* After poll(), with the same set. */
void dns_handle(struct dns *d, const struct pollset *set, int64_t now_ms);
