/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detach.h - the keys by which a client leaves what runs in a terminal (--detach-keys)
 *
 * Typed bytes go through detach_feed(). The start of the sequence is held back until the next byte
 * tells whether it goes on; if not, it is passed on as it was typed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

#define DETACH_KEYS_MAX     16
#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

struct detach {
	char keys[DETACH_KEYS_MAX];
	size_t n;       /* 0: never */
	size_t matched; /* held back */
};

/**
 * detach_parse() - "ctrl-p,ctrl-q"
 * @text:	Keys between commas: one character, or "ctrl-" and one of a-z @ ^ [ \ ] _; "" = none
 *
 * Return: 0, -EINVAL naming the key that is wrong
 */
int detach_parse(const char *text, struct detach *ret, struct rl_err *err) RL_MUST_USE;

/*
 * Take @n typed bytes; what is to be passed on goes to @out (room for @n + DETACH_KEYS_MAX).
 * Return: true when the sequence is complete; bytes after it are dropped.
 */
bool detach_feed(struct detach *d, const char *in, size_t n, char *out, size_t *ret_n);
