/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - what containers call each other: the part of the name server that answers itself
 *
 * A container on named networks is answered the names of all that run on them: a container's own
 * name, its network aliases, its host name and the short form of its id, alone, with the network's
 * name behind ("web.backend"), and both below rl.internal.
 * Addresses ask back (PTR). The source is the list of leases (lease.h) as it is at that moment:
 * the reader of resolver.h opens it for each query and passes the descriptor; then it says whether
 * the container still runs, for who was killed could not give its lease back. What is not found is somebody else's to answer, but for what ends in rl.internal.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX      255 /* bytes of a name as text */
#define NAMES_REPLY    512 /* RFC 1035: what any client takes */
#define NAMES_TTL      1   /* second: containers come and go */
#define NAMES_NETWORKS 32

struct names;

/* @reader_fd: of resolv_reader_start(), borrowed. NULL: out of memory */
struct names *names_new(int reader_fd);
void names_free(struct names *n);

/**
 * names_answer() - Answer a query from the leases
 * @query:	One that dns_question_len() accepts
 * @deferred:	Called when an answer of the reader to somebody else comes in between
 *
 * Return: bytes in @out (at most NAMES_REPLY), 0 when the name is not ours
 */
size_t names_answer(struct names *n, const uint8_t *query, size_t len, uint8_t out[NAMES_REPLY],
		    void (*deferred)(void *arg, const char *text, size_t len), void *arg);

/*
 * The same from the text of one network's leases; fuzzed alone. Answers are added behind those that
 * @out has. 1 when the name was found
 */
struct names_reply {
	uint8_t *out;
	size_t len, room;
	unsigned n_answers;
};
int names_search(const uint8_t *query, size_t len, const char *network, char *leases, size_t n,
		 struct names_reply *r);
