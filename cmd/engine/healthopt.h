/* SPDX-License-Identifier: Apache-2.0 */
/* healthopt.h - engine: the health check of a new container, out of its image and its flags */
#pragma once

#include <jansson.h>

#include "cmd/engine/create.h"
#include "core/health.h"

/**
 * health_build() - What to check
 * @image_config: The whole image config, HOSTILE, or NULL
 * @ret:	Written on success; release with health_conf_done()
 *
 * A flag takes the place of the image's value; --no-healthcheck and "none" of all of them.
 * Return: 0, -EINVAL with the flag or the image's value in @err
 */
int health_build(const struct create_req *req, const json_t *image_config, struct health_conf *ret,
		 struct rl_err *err) RL_MUST_USE;

/* Whether one of those flags is there. */
bool health_asked(const struct create_req *q);
/* The flags alone, on a check that is there: what is not given stays. After an error @c is only to be released. */
int health_change(const struct create_req *req, struct health_conf *c,
		  struct rl_err *err) RL_MUST_USE;

/*
 * --health-cmd as Docker and Podman take it: a text for the shell, "none", "CMD word...",
 * "CMD-SHELL text", or any of these as a JSON array; an array of plain words is a command.
 * Appended to @ret in the form of struct health_conf; nothing for "none".
 */
int health_cmd_parse(const char *s, struct strv *ret, struct rl_err *err) RL_MUST_USE;
