/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_rig.h - what tests of the engine's spec need around it: a store, a session, an image
 *
 * Include after cmocka.h or alone; everything is static, one test program each.
 */
#pragma once

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/create.h"
#include "cmd/run_options.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

struct spec_rig {
	char dir[64];
	char *rootfs, *ctr_dir;
	struct rl rl;
	struct session session;
	int layer_fd, ctr_fd;
};

static inline int rig_write(struct spec_rig *g, const char *path, const char *text)
{
	struct rl_err err;

	return io_replace_file(g->rl.data_fd, path, text, strlen(text), 0644, IO_NOSYNC, &err);
}

static inline int rig_open(struct spec_rig *g)
{
	struct rl_err err;

	*g = (struct spec_rig){ .layer_fd = FD_NONE, .ctr_fd = FD_NONE };
	memcpy(g->dir, "/tmp/rl-test-spec-XXXXXX", 25);
	if (!mkdtemp(g->dir))
		return -1;
	g->rl = (struct rl){ .uid = 1000, .gid = 1000, .data_dir = g->dir };
	g->rl.data_fd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g->rl.run_fd = FD_NONE;
	g->rootfs = str_printf("%s/layer", g->dir);
	g->ctr_dir = str_printf("%s/ctr", g->dir);
	if (!g->rootfs || !g->ctr_dir || io_mkdirs(g->rl.data_fd, "layer/etc", 0755, &err) < 0 ||
	    io_mkdirs(g->rl.data_fd, "ctr", 0700, &err) < 0 ||
	    rig_write(g, "layer/etc/passwd",
		      "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0:trap:/:/bin/sh\n"
		      "web:x:33:34:www:/srv/web:/bin/false\n") < 0 ||
	    rig_write(g, "layer/etc/group",
		      "root:x:0:\nadm:x:4:root,web\nweb:x:34:\nlog:x:7:web,root,web\n") < 0)
		return -1;
	g->layer_fd = open(g->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g->ctr_fd = open(g->ctr_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g->session = (struct session){
		.userns_fd = FD_NONE,
		.uids = { { { 0, 1000, 1 }, { 1, 100000, 65536 } }, 2 },
		.gids = { { { 0, 1000, 1 }, { 1, 100000, 65536 } }, 2 },
		.rung = SESSION_FULL,
	};
	return g->layer_fd < 0 || g->ctr_fd < 0 ? -1 : 0;
}

static inline void rig_close(struct spec_rig *g)
{
	struct rl_err err;

	fd_close(g->layer_fd);
	fd_close(g->ctr_fd);
	fd_close(g->rl.data_fd);
	free(g->rootfs);
	free(g->ctr_dir);
	RL_IGNORE(io_remove_tree(AT_FDCWD, g->dir, &err)); /* a test folder */
}

/* @words: the command line after "rl run", split at blanks. @config: the image's, or NULL. */
static inline int rig_build(struct spec_rig *g, const char *words, json_t *config,
			    struct spec_out *ret, struct rl_err *err)
{
	struct image img = { .config = config };
	struct run_opts o = run_defaults;
	auto_strv struct strv argv = { 0 };
	const char *rest[256];
	struct spec_in in = {
		.req = &o.req,
		.image = &img,
		.rl = &g->rl,
		.session = &g->session,
		.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.name = "keen_keldysh",
		.ctr_dir = g->ctr_dir,
		.ctr_fd = g->ctr_fd,
		.rootfs_path = g->rootfs,
		.layer_fds = &g->layer_fd,
		.n_layers = 1,
		.resolv_conf = "nameserver 10.0.2.3\n",
		.seccomp_profile = "contrib/seccomp.json" /* tests run in the build folder */,
	};
	int n, r = strv_split(&argv, words, ' ');

	if (r < 0 || argv.n > 256)
		return -ENOMEM;
	memset(img.id, 'a', 64);
	n = opt_parse(run_options, 1, (int)argv.n, argv.v, &o, rest, err);
	r = n < 0 ? n : run_opts_finish(&o, &(struct cmd_args){ .v = rest, .n = (size_t)n }, err);
	if (r == 0)
		r = spec_build(&in, ret, err);
	opt_done(run_options, &o);
	return r;
}
