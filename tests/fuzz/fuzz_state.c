/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_state.c - any bytes as a container's state.json, run.json or exit.json
 *
 * The first byte chooses the file. No crash, a refusal has words, and what is accepted can be acted
 * upon: no pid that a signal would take for a group, texts that end.
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/container.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/ctr_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *path;

static void leave(void)
{
	(void)rmdir(path); /* empty between two inputs */
}

/* A folder that nobody else sees and that leaves with us. */
static int folder(void)
{
	static int fd = FD_NONE;
	static char dir[] = "/tmp/rl-fuzz-state-XXXXXX";

	if (fd >= 0)
		return fd;
	assert(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0 && atexit(leave) == 0);
	path = dir;
	return fd;
}

static void put(int dir, const char *name, const uint8_t *data, size_t size)
{
	auto_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0 && io_write_all(fd, data, size) == 0);
}

static void try_records(const char *name, const uint8_t *data, size_t size)
{
	int dir = folder();
	char word[] = "x";
	struct ctr c = { .name = word, .dir = word, .dir_fd = dir, .lock_fd = FD_NONE };
	struct rl_err err = { 0 };
	struct ctr_state s;

	put(dir, name, data, size);
	memset(c.id, 'a', CTR_ID_LEN);
	if (ctr_get_state(&c, &s, &err) < 0) {
		assert(err.code > 0 && err.msg[0]);
	} else {
		assert(s.pid >= 0 && s.monitor == 0);
		assert(memchr(s.cgroup, '\0', sizeof(s.cgroup)));
		assert(memchr(s.exit.error, '\0', sizeof(s.exit.error)));
		assert(ctr_status_name(s.status)[0]);
		assert(ctr_open_init(&c, s.pid) < 0); /* never a process that is not its own */
	}
	(void)unlinkat(dir, name, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container c = { .ctr = { .dir_fd = FD_NONE, .lock_fd = FD_NONE },
			       .session = { .userns_fd = FD_NONE } };
	struct rl_err err = { 0 };

	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		if (record_parse((const char *)data + 1, size - 1, &c, &err) < 0)
			assert(err.code > 0 && err.msg[0]);
		container_done(&c);
		break;
	case 1:
		try_records("run.json", data + 1, size - 1);
		break;
	default:
		try_records("exit.json", data + 1, size - 1);
		break;
	}
	return 0;
}
