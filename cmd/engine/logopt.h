/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logopt.h - engine: --log-driver and --log-opt, and where a container's output goes at a start
 *
 * In state.json as "log": { "driver", "max_size", "path", "tag" }; what was not given is left out.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/strv.h"

enum log_driver {
	LOG_DRIVER_FILE,        /* "k8s-file", also "json-file": the same file */
	LOG_DRIVER_JOURNALD,    /* entries of systemd's journal */
	LOG_DRIVER_NONE,        /* kept nowhere */
	LOG_DRIVER_PASSTHROUGH, /* the container has the caller's own stdin, stdout, stderr */
};

struct logopt {
	enum log_driver driver;
	int64_t max_size;       /* bytes before a rotation */
	const char *path, *tag; /* or NULL; borrowed from the JSON */
};

/**
 * logopt_parse() - Check the words and make the record of them
 * @names:	What a tag may speak of: an object with ID, FullID, Name, ImageName, ImageID
 *
 * Return: 0 with a new reference in @ret, -EINVAL for what is no driver or option
 */
int logopt_parse(const char *driver, const struct strv *opts, json_t *names, json_t **ret,
		 struct rl_err *err) RL_MUST_USE;
/* Read it back; @log NULL (an old record): a file with the default size. */
void logopt_read(const json_t *log, struct logopt *ret);

/* Where the output goes: what monitor_cfg wants to know. */
struct logsink {
	int dir, file, journal; /* owned, FD_NONE where it is not that */
	int64_t max;
	char *fields;
	bool passthrough;
	int stdio[3]; /* with @passthrough: copies of our own */
};
#define LOGSINK_INIT                                                            \
	{                                                                       \
		.dir = FD_NONE, .file = FD_NONE, .journal = FD_NONE, .stdio = { \
			FD_NONE,                                                \
			FD_NONE,                                                \
			FD_NONE                                                 \
		}                                                               \
	}

/* Open it for a start of @c. */
struct container;
int logsink_open(const struct container *c, struct logsink *ret, struct rl_err *err) RL_MUST_USE;
void logsink_close(struct logsink *s);

const char *logopt_driver_name(enum log_driver d);
