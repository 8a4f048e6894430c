/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hangfs.c - a FUSE file system that never answers a look for a file
 *
 *	hangfs FOLDER		mounts itself there (as root), prints "ready", serves until it is killed
 *
 * Whoever opens a file in FOLDER waits in the kernel, and from SIGKILL on in state D: the request is
 * in our hands, and only its answer, or our end, lets go of it. Source: linux/fuse.h, fuse(4).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void answer(int fd, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + len),
				     .error = -error,
				     .unique = unique };
	struct iovec v[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)data, len } };

	if (writev(fd, v, len ? 2 : 1) < 0 && errno != ENOENT) /* ENOENT: nobody waits any more */
		(void)fprintf(stderr, "hangfs: answer: %s\n", strerror(errno));
}

static void serve(int fd, const struct fuse_in_header *in)
{
	static const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
						   .minor = FUSE_KERNEL_MINOR_VERSION,
						   .max_write = 4096 };
	static const struct fuse_attr_out attr = {
		.attr = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 }
	};

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
		answer(fd, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_LOOKUP:    /* for ever */
	case FUSE_INTERRUPT: /* nothing helps */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(fd, in->unique, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char buf[1 << 17] __attribute__((aligned(8)));
	char options[100];
	ssize_t n;
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (argc != 2 || fd < 0) {
		(void)fprintf(stderr, "hangfs: /dev/fuse: %s\n", strerror(errno));
		return 1;
	}
	(void)snprintf(options, sizeof(options),
		       "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount("hangfs", argv[1], "fuse.hangfs", MS_NOSUID | MS_NODEV, options) < 0) {
		(void)fprintf(stderr, "hangfs: mount: %s\n", strerror(errno));
		return 1;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	while ((n = read(fd, buf, sizeof(buf))) > 0 || errno == EINTR || errno == ENOENT)
		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve(fd, (const struct fuse_in_header *)(const void *)buf);
	return 0;
}
