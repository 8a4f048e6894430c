/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global.c - the options in front of the command
 *
 * Those that only say what is so anyway, or that mean a daemon or a remote machine that nobody
 * talks to here, are taken silently, because scripts give them; a wish that would not come true
 * (another store for volumes, hooks, a remote machine) is refused.
 */
#include "config.h"

#include "cmd/global.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/idfile.h"

#define G struct global_opts

const struct opt cmd_global_options[] = {
	OPT_STR(0, "root", G, root, "DIR", "keep images and containers in DIR"),
	OPT_STR(0, "runroot", G, runroot, "DIR", "keep sockets in DIR"),
	OPT_STR(0, "config", G, config, "DIR", "keep logins in DIR/config.json, as Docker does"),
	OPT_STR(0, "storage-driver", G, storage_driver, "DRIVER",
		"overlay (default), fuse-overlayfs or vfs"),
	OPT_STR(0, "runtime", G, runtime, "NAME", NULL),
	OPT_STR(0, "cgroup-manager", G, cgroup_manager, "NAME", NULL),
	OPT_STR(0, "events-backend", G, events_backend, "NAME", NULL),
	OPT_STR(0, "out", G, out, "FILE", "write results to FILE and not to stdout"),
	OPT_BOOL(0, "noout", G, noout, "write no results at all"),
	OPT_STR(0, "log-level", G, log_level, "LEVEL", "error, warn (default), info or debug"),
	OPT_BOOL('D', "debug", G, debug, NULL),
	OPT_BOOL('v', "version", G, version, "print the version"),
	OPT_BOOL('h', "help", G, help, "print this help"),
	{ .type = OPT_T_IGNORE, .short_name = 'H', .name = "host", .arg = "VALUE" },
	OPT_IGNORE("context"),
	OPT_IGNORE("tmpdir"),
	OPT_IGNORE("storage-opt"),
	OPT_IGNORE_BOOL("syslog"),
	OPT_LATER(0, "cdi-spec-dir"),
	OPT_LATER('c', "connection"),
	OPT_LATER(0, "hooks-dir"),
	OPT_LATER(0, "identity"),
	OPT_LATER(0, "imagestore"),
	OPT_LATER(0, "module"),
	OPT_LATER(0, "network-config-dir"),
	OPT_LATER('r', "remote"),
	OPT_LATER(0, "runtime-flag"),
	OPT_LATER(0, "transient-store"),
	OPT_LATER(0, "url"),
	OPT_LATER(0, "volumepath"),
	OPT_END,
};

static int set_log_level(const struct global_opts *g, struct rl_err *err)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = { { "trace", LOG_DEBUG }, { "debug", LOG_DEBUG },  { "info", LOG_INFO },
		       { "warn", LOG_WARN },   { "warning", LOG_WARN }, { "error", LOG_ERROR },
		       { "fatal", LOG_ERROR }, { "panic", LOG_ERROR } };

	if (g->debug)
		log_set_level(LOG_DEBUG);
	if (!g->log_level)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(g->log_level, levels[i].name) == 0) {
			log_set_level(levels[i].level);
			return 0;
		}
	}
	return rl_fail(err, EINVAL,
		       "invalid value '%s' for '--log-level': expected error, warn, info or debug",
		       g->log_level);
}

static bool is_one_of(const char *s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return true;
	return false;
}

int global_check_runtime(const char *name, struct rl_err *err)
{
	static const char *const same[] = { "", "rl", "crun", "runc" };
	const char *base = name ? strrchr(name, '/') : NULL;

	if (!name || is_one_of(base ? base + 1 : name, same, ARRAY_LEN(same)))
		return 0;
	rl_fail(err, ENOTSUP, "'--runtime %s': rl runs containers itself and starts no runtime",
		name);
	return rl_hint(err, "leave it out if the isolation of rl will do");
}

static int check_names(const struct global_opts *g, struct rl_err *err)
{
	static const char *const managers[] = { "systemd", "cgroupfs" };
	static const char *const backends[] = { "file", "journald", "none" };
	static const char *const drivers[] = { "overlay", "fuse-overlayfs", "vfs" };

	if (g->cgroup_manager && !is_one_of(g->cgroup_manager, managers, ARRAY_LEN(managers)))
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '--cgroup-manager': expected systemd or "
			       "cgroupfs",
			       g->cgroup_manager);
	if (g->storage_driver && !is_one_of(g->storage_driver, drivers, ARRAY_LEN(drivers)))
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '--storage-driver': expected overlay, "
			       "fuse-overlayfs or vfs",
			       g->storage_driver);
	if (g->events_backend && !is_one_of(g->events_backend, backends, ARRAY_LEN(backends)))
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '--events-backend': expected file, "
			       "journald or none",
			       g->events_backend);
	return global_check_runtime(g->runtime, err);
}

/* An empty value is none. The folder may be typed relative to where we are. */
static int set_env(const char *key, const char *value, bool is_path, struct rl_err *err)
{
	auto_free char *path = value && is_path ? idfile_path(value) : NULL;

	if (!value || !*value)
		return 0;
	if (setenv(key, is_path && path ? path : value, 1) < 0)
		return rl_oom(err);
	return 0;
}

static int redirect(const struct global_opts *g, struct rl_err *err)
{
	const char *path = g->noout ? "/dev/null" : g->out;
	auto_fd int fd = FD_NONE;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return rl_fail_sys(err, errno, "--out '%s'", path);
	return 0;
}

int global_apply(const struct global_opts *g, struct rl_err *err)
{
	int r = set_log_level(g, err);

	if (r == 0)
		r = check_names(g, err);
	if (r == 0)
		r = set_env("STORAGE_DRIVER", g->storage_driver, false, err);
	if (r == 0)
		r = set_env("DOCKER_CONFIG", g->config, true, err);
	if (r == 0)
		r = set_env("RL_RUNROOT", g->runroot, true, err);
	return r == 0 ? redirect(g, err) : r;
}
