/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonpick.h - some members of a small JSON object, without making a tree of it
 *
 * For our own records, of which lists read a thousand at a time: a tree costs twenty times as much.
 * The whole text is checked as json_read() does, but for keys that nobody asked for: those may be
 * there twice. Whatever is not plain ASCII text, a small integer, true, false or null is left to
 * jansson (one value of it), so there is one idea of what JSON is.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* One value as it is written; borrowed. @p is NULL for what is not there. */
struct json_text {
	const char *p;
	size_t len;
};

struct json_pick {
	const char *key;    /* plain ASCII */
	struct json_text v; /* set by json_pick() */
};

/**
 * json_pick() - Check an object's text and find members of it
 * @what:	Names the text in messages
 * @picks:	Members to look for; missing ones get .p = NULL
 *
 * Return: 0, -EINVAL (syntax, depth, a picked key twice, not an object)
 */
int json_pick(struct json_text text, const char *what, struct json_pick *picks, size_t n,
	      struct rl_err *err) RL_MUST_USE;
/* The same from a file; @text holds its content, which the picks borrow from. */
int json_pick_file(int dir_fd, const char *path, size_t max, struct buf *text,
		   struct json_pick *picks, size_t n, struct rl_err *err) RL_MUST_USE;

/* And what they must be: @kinds has a letter for each pick, s (a string), i (an integer) or a (an array).
 * What is there as null becomes missing; -EINVAL: "<what>: '<key>' is not a string". */
int json_pick_kinds(struct json_pick *picks, size_t n, const char *kinds, const char *what,
		    struct rl_err *err) RL_MUST_USE;

/* Values that json_pick() found. The wrong type or nothing: 0, false, "", NULL. */
int64_t json_text_int(struct json_text v);
bool json_text_is_true(struct json_text v);
/* A string, cut to @room; the same buffer */
char *json_text_copy(struct json_text v, char *out, size_t room);
json_t *json_text_tree(struct json_text v); /* new reference; NULL: none, or out of memory */
/* The next item of the array @list, which is shortened by it. False: there is none. */
bool json_text_next(struct json_text *list, struct json_text *item);
