/* SPDX-License-Identifier: Apache-2.0 */
/* exists.c - `rl container exists`, `rl image exists`, `rl volume exists`, `rl network exists`: 0 known, 1 unknown */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/ctr_state.h"
#include "net/network.h"
#include "storage/image.h"
#include "storage/volume.h"

static int answer(int r)
{
	return r == -ENOENT ? 1 : r;
}

static int container_exists(struct rl *rl, const struct cmd_args *args, const void *opts,
			    struct rl_err *err)
{
	struct ctr c;
	int r = ctr_find(rl, args->v[0], &c, err);

	(void)opts;
	if (r == 0)
		ctr_done(&c);
	return answer(r);
}

static int image_exists(struct rl *rl, const struct cmd_args *args, const void *opts,
			struct rl_err *err)
{
	auto_free char *name = NULL;
	char id[65];

	(void)opts;
	return answer(image_resolve(rl, args->v[0], NULL, id, &name, err));
}

static int volume_exists(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	auto_volume struct volume v = { 0 };

	(void)opts;
	return answer(volume_load(rl, args->v[0], &v, err));
}

static int network_exists(struct rl *rl, const struct cmd_args *args, const void *opts,
			  struct rl_err *err)
{
	auto_network struct network n = { 0 };

	(void)opts;
	return answer(network_find(rl, args->v[0], &n, err));
}

static const struct opt container_exists_options[] = {
	OPT_IGNORE_BOOL("external"),
	OPT_END,
};

const struct cmd cmd_container_exists = {
	.name = "container exists",
	.args = "CONTAINER",
	.summary = "Tell by the exit status whether a container is known",
	.about = "Prints nothing; the exit status tells whether there is a container of that name "
		 "or id, running or not.",
	.examples = {
		{ "rl container exists web", "Is there a container 'web'?" },
		{ "if rl container exists web; then echo yes; fi", "The same in a script." },
	},
	.exits = { { "1", "There is no such container." } },
	.options = container_exists_options,
	.min_args = 1,
	.max_args = 1,
	.run = container_exists,
};

const struct cmd cmd_image_exists = {
	.name = "image exists",
	.args = "IMAGE",
	.summary = "Tell by the exit status whether an image is known",
	.about = "Prints nothing; the exit status tells whether the image is in the local store. "
		 "No registry is asked.",
	.examples = {
		{ "rl image exists alpine", "Is there an image 'alpine'?" },
		{ "rl image exists quay.io/libpod/alpine:3.20", "The same for a full name." },
	},
	.exits = { { "1", "There is no such image." } },
	.min_args = 1,
	.max_args = 1,
	.run = image_exists,
};

const struct cmd cmd_volume_exists = {
	.name = "volume exists",
	.args = "VOLUME",
	.summary = "Tell by the exit status whether a volume is known",
	.about = "Prints nothing; the exit status tells whether there is a volume of that name.",
	.examples = {
		{ "rl volume exists data", "Is there a volume 'data'?" },
		{ "if rl volume exists data; then echo yes; fi", "The same in a script." },
	},
	.exits = { { "1", "There is no such volume." } },
	.min_args = 1,
	.max_args = 1,
	.run = volume_exists,
};

const struct cmd cmd_network_exists = {
	.name = "network exists",
	.args = "NETWORK",
	.summary = "Tell by the exit status whether a network is known",
	.about = "Prints nothing; the exit status tells whether there is a named network of that "
		 "name or id.",
	.examples = {
		{ "rl network exists backend", "Is there a network 'backend'?" },
		{ "rl network exists backend || rl network create backend", "Make it if not." },
	},
	.exits = { { "1", "There is no such network." } },
	.min_args = 1,
	.max_args = 1,
	.run = network_exists,
};
