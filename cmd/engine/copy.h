/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.h - engine: files between the host and containers, and between containers
 *
 * What lands where is docker's rule (docker-cp(1)):
 *
 *	source		destination	result
 *	file		nothing		a file of that name, in a folder that must be there
 *	file		file		in its place
 *	file		folder		in it, under the source's name
 *	folder		nothing		a folder of that name with the source's content
 *	folder		file		error
 *	folder		folder		in it, under the source's name
 *	folder "/."	folder		its content
 *
 * A name that ends in "/" must be a folder. A link as source is copied as a link, unless @follow
 * or such an ending; a link as destination is followed, inside the container's root.
 */
#pragma once

#include <stdbool.h>

#include "cmd/engine/container.h"

/**
 * struct copy_end - Source or destination
 * @c:		The container with its session, or NULL: a path of the host
 * @path:	As typed; "-" without a container: a tar on stdin or stdout
 */
struct copy_end {
	struct container *c;
	const char *path;
};

struct copy_req {
	struct copy_end from, to;
	bool archive;   /* owners as they are, set-id bits too */
	bool follow;    /* -L */
	bool overwrite; /* folders by files and the reverse */
};

int engine_copy(const struct rl *rl, const struct copy_req *req, struct rl_err *err) RL_MUST_USE;
