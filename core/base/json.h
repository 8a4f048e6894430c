/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - reading JSON from outside with limits, and typed access with errors
 *
 * Library: jansson. Bytes from outside go through json_read() only: size, depth and duplicate
 * keys are checked there (SECURITY S34, S38). Getters take the object's name for messages.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define JSON_DEPTH_MAX 64

/**
 * json_read() - Parse one JSON text
 * @what:	Names the text in messages ("manifest of 'alpine'")
 * @max:	More bytes are refused before they are looked at
 *
 * Return: 0, -EFBIG, -EINVAL (syntax, depth, duplicate key, trailing bytes, bad UTF-8, NUL)
 */
int json_read(const char *data, size_t len, size_t max, const char *what, json_t **ret,
	      struct rl_err *err) RL_MUST_USE;
/* The same from a file (io_read_file rules). */
int json_read_file(int dir_fd, const char *path, size_t max, json_t **ret,
		   struct rl_err *err) RL_MUST_USE;
/* Compact text, sorted as inserted, atomically replaced, mode 0600. */
int json_write_file(int dir_fd, const char *path, const json_t *j, bool sync,
		    struct rl_err *err) RL_MUST_USE;

/*
 * Getters: @key of object @o. A missing or null key gives the default (NULL, 0, false) and 0;
 * a wrong type is -EINVAL with "<what>: '<key>' is not a <type>".
 */
int json_get_str(const json_t *o, const char *key, const char *what, const char **ret,
		 struct rl_err *err) RL_MUST_USE;
int json_get_int(const json_t *o, const char *key, const char *what, int64_t *ret,
		 struct rl_err *err) RL_MUST_USE;
int json_get_bool(const json_t *o, const char *key, const char *what, bool *ret,
		  struct rl_err *err) RL_MUST_USE;
int json_get_obj(const json_t *o, const char *key, const char *what, json_t **ret,
		 struct rl_err *err) RL_MUST_USE;
int json_get_arr(const json_t *o, const char *key, const char *what, json_t **ret,
		 struct rl_err *err) RL_MUST_USE;
/* An array of strings only; appended to @ret copies nothing: borrowed pointers are checked. */
int json_check_strings(const json_t *arr, const char *what, struct rl_err *err) RL_MUST_USE;
