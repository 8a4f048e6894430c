/* SPDX-License-Identifier: Apache-2.0 */
/* newimage.h - engine: export a container's files; make images of containers and of archives */
#pragma once

#include "cmd/engine/container.h"

/* The whole file system as a tar, mounts left out; @out_fd is borrowed. */
int engine_export(struct container *c, int out_fd, struct rl_err *err) RL_MUST_USE;

/**
 * struct newimage_req - What both commands may say; all borrowed, zeroed = not given
 * @name:	As typed, "localhost/" goes in front of a short one
 * @config_file: JSON object whose members replace those of the config
 * @platform:	Of an imported image: "os/arch[/variant]"
 */
struct newimage_req {
	const char *name, *author, *message, *format, *config_file, *platform;
	struct strv change;
	bool pause, squash, include_volumes;
};

/*
 * Both say how the image came to be in its history; with SOURCE_DATE_EPOCH in the environment that
 * is the time of it, and no file is newer: the same content is the same image.
 */
int engine_commit(struct container *c, const struct newimage_req *req, char ret_id[65],
		  struct rl_err *err) RL_MUST_USE;
/* @tar_fd: any file or pipe */
int engine_import(const struct rl *rl, int tar_fd, const struct newimage_req *req, char ret_id[65],
		  struct rl_err *err) RL_MUST_USE;
