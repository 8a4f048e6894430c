/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imgconf.h - the "config" part of an OCI image config, checked
 *
 * An image is HOSTILE: types, counts and lengths are checked here once, so that the rest of the
 * engine sees only well-formed data. Labels and annotations of an image never become settings
 * (SECURITY S37). Source: OCI image-spec config.md.
 */
#pragma once

#include <jansson.h>

#include "core/base/err.h"

#define IMGCONF_ENV_MAX     4096 /* entries */
#define IMGCONF_ARGS_MAX    65536
#define IMGCONF_VOLUMES_MAX 256

/* Borrowed from the JSON it was read from; NULL = absent. */
struct imgconf {
	const char *user, *workdir, *stop_signal;
	json_t *env, *cmd, *entrypoint; /* arrays of strings */
	json_t *volumes, *labels;       /* objects */
};

/**
 * imgconf_read() - Take the run settings out of an image config
 * @config:	The whole OCI image config, or NULL (all fields absent)
 *
 * Return: 0, or -EINVAL naming the field: a wrong type, too many entries, an Env entry without
 * a name or without '=' (it would take a value of the caller: S36), control bytes in User or
 * WorkingDir
 */
int imgconf_read(const json_t *config, struct imgconf *ret, struct rl_err *err) RL_MUST_USE;
