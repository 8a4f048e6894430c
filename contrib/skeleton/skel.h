/* SPDX-License-Identifier: Apache-2.0 */
/* skel.h - "WORD=NUMBER" to parts (a module's header: what it is for, units, ownership, errors) */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define SKEL_LEN_MAX 128 /* longer input is refused before it is looked at */

/**
 * struct skel - A parsed pair
 * @word:	Not empty; owned
 * @number:	0 to 2^32 - 1
 */
struct skel {
	char *word;
	uint32_t number;
};

/**
 * skel_parse() - Take "WORD=NUMBER" apart
 * @s:		Text, need not end in NUL; hostile
 * @ret:	Written on success only; release with skel_done()
 *
 * Return: 0, -EINVAL, -ENOMEM
 */
int skel_parse(const char *s, size_t len, struct skel *ret, struct rl_err *err) RL_MUST_USE;
void skel_done(struct skel *s); /* fine on a zeroed or released struct */
#define auto_skel __attribute__((cleanup(skel_done)))
