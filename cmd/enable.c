/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enable.c - `rl enable` and `rl disable`: a container that systemd starts at login or boot
 *
 * Theory of operation: one unit of the user's manager, rl-NAME.service below
 * $XDG_CONFIG_HOME/systemd/user, and one link in default.target.wants; both are written here, so
 * that it works where no manager runs just now. The unit's process is `rl unit-run` (unit_run.c).
 * Only files with our first line are replaced or removed. The user manager itself starts at login,
 * or at boot when lingering is on (loginctl(1)), which needs an administrator; we say how it is.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/ctr_state.h"

#define MARK       "# Written by rl enable; rl disable removes it\n"
#define UNIT_MAX   65536
#define STATE_MAX  (8U << 20)
#define RELOAD_MS  10000
#define LINGER_DIR "/var/lib/systemd/linger"

/* Names of one container's files. */
struct unit {
	char *dir;         /* the folder of units, absolute */
	char *name, *link; /* below it */
	int dir_fd;
};

static void unit_done(struct unit *u)
{
	free(u->dir);
	free(u->name);
	free(u->link);
	fd_close(u->dir_fd);
}

static char *config_dir(const struct rl *rl)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const struct passwd *pw;

	if (config && *config == '/')
		return str_printf("%s/systemd/user", config);
	if (!home || *home != '/') {
		pw = getpwuid(rl->uid);
		home = pw ? pw->pw_dir : "/";
	}
	return str_printf("%s/.config/systemd/user", home);
}

static int unit_open(const struct rl *rl, const char *name, bool make, struct unit *u,
		     struct rl_err *err)
{
	int r = 0;

	*u = (struct unit){ .dir_fd = FD_NONE, .dir = config_dir(rl) };
	u->name = str_printf("rl-%s.service", name);
	u->link = str_printf("default.target.wants/rl-%s.service", name);
	if (!u->dir || !u->name || !u->link)
		return rl_oom(err);
	if (make)
		r = io_mkdirs(AT_FDCWD, u->dir, 0755, err);
	if (r < 0)
		return r;
	u->dir_fd = open(u->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u->dir_fd < 0)
		return rl_fail_sys(err, errno, "open the folder of units '%s'", u->dir);
	return make ? io_mkdirs(u->dir_fd, "default.target.wants", 0755, err) : 0;
}

/* 0: ours; -ENOENT; -EEXIST: somebody else's. */
static int check_ours(const struct unit *u, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = io_read_file(u->dir_fd, u->name, UNIT_MAX, &b, err);

	if (r < 0)
		return r;
	if (b.len >= sizeof(MARK) - 1 && memcmp(b.data, MARK, sizeof(MARK) - 1) == 0)
		return 0;
	rl_fail(err, EEXIST, "'%s/%s' was not written by rl", u->dir, u->name);
	return rl_hint(err, "remove it yourself if it is not needed");
}

/* A word of a unit file: quoted, specifiers and variables disarmed (systemd.syntax(7)). */
static int add_word(struct buf *b, const char *s, bool command)
{
	int r = buf_str(b, "\"");

	for (; r == 0 && *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return -EINVAL;
		if (*s == '"' || *s == '\\')
			r = buf_add(b, "\\", 1);
		else if (*s == '%' || (*s == '$' && command))
			r = buf_add(b, s, 1);
		if (r == 0)
			r = buf_add(b, s, 1);
	}
	return r == 0 ? buf_str(b, "\"") : r;
}

static int own_path(char path[4096], struct rl_err *err)
{
	ssize_t n = readlink("/proc/self/exe", path, 4095);

	if (n < 0)
		return rl_fail_sys(err, errno, "find the path of rl");
	path[n] = '\0';
	return 0;
}

/* The grace time of a stop, some more for what comes after it; "infinity" for -1. */
static void stop_time(const json_t *state, char out[32])
{
	json_int_t t = json_integer_value(json_object_get(state, "stop_timeout"));

	if (t < 0)
		(void)snprintf(out, 32, "infinity");
	else
		(void)snprintf(out, 32, "%lld", (long long)t + 20);
}

static int unit_text(const struct rl *rl, const char *name, const json_t *state, struct buf *b,
		     struct rl_err *err)
{
	auto_free char *root = str_printf("RL_ROOT=%s", rl->data_dir);
	char self[4096], stop[32];
	int r = own_path(self, err);

	if (r < 0)
		return r;
	stop_time(state, stop);
	r = root ? 0 : -ENOMEM;
	if (r == 0)
		r = buf_printf(b,
			       MARK "[Unit]\n"
				    "Description=Container %s (rl)\n"
				    "Documentation=man:rl-enable(1)\n"
				    "\n[Service]\n"
				    "Type=notify\n"
				    "# one that ends is started again by its own --restart policy\n"
				    "Restart=no\n"
				    "KillMode=mixed\n"
				    "TimeoutStartSec=infinity\n"
				    "TimeoutStopSec=%s\n"
				    "Delegate=yes\n"
				    "Environment=",
			       name, stop);
	if (r == 0)
		r = add_word(b, root, false);
	if (r == 0)
		r = buf_str(b, "\nExecStart=");
	if (r == 0)
		r = add_word(b, self, true);
	if (r == 0)
		r = buf_printf(b, " unit-run %s\n\n[Install]\nWantedBy=default.target\n", name);
	if (r == -EINVAL)
		return rl_fail(err, EINVAL, "'%s' or '%s' has control bytes in it", self,
			       rl->data_dir);
	return r < 0 ? rl_oom(err) : 0;
}

static int make_link(const struct unit *u, struct rl_err *err)
{
	auto_free char *target = str_printf("../%s", u->name);

	if (!target)
		return rl_oom(err);
	if (unlinkat(u->dir_fd, u->link, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "replace '%s/%s'", u->dir, u->link);
	if (symlinkat(target, u->dir_fd, u->link) < 0)
		return rl_fail_sys(err, errno, "create '%s/%s'", u->dir, u->link);
	return 0;
}

/* Tell the user's manager, when there is one. */
static void reload(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	auto_free char *env = str_printf("XDG_RUNTIME_DIR=%s", run ? run : "");
	auto_free char *sock = str_printf("%s/systemd/private", run ? run : "");
	auto_free char *program = proc_find("systemctl");
	const char *const argv[] = { program, "--user", "daemon-reload", NULL };
	const char *const envs[] = { env, NULL };
	const struct proc_spec spec = { .argv = argv, .env = envs, .join_userns = FD_NONE };
	struct rl_err err = { 0 };

	if (!run || !program || !env || !sock || access(sock, F_OK) < 0)
		return;
	if (proc_run(&spec, RELOAD_MS, &err) < 0)
		log_warn("systemd does not know of it yet (%s): systemctl --user daemon-reload",
			 err.msg);
}

static void tell_linger(const struct rl *rl, const char *name)
{
	const struct passwd *pw = getpwuid(rl->uid);
	auto_free char *path = str_printf(LINGER_DIR "/%s", pw ? pw->pw_name : "");

	if (pw && path && access(path, F_OK) == 0) {
		(void)printf("'%s' starts at boot: lingering is on\n", name);
		return;
	}
	(void)printf("'%s' starts at login and ends with the last logout: lingering is off\n"
		     "For a start at boot: sudo loginctl enable-linger %s\n",
		     name, pw ? pw->pw_name : "$USER");
}

static int read_state(const struct rl *rl, const char *word, char **ret_name, json_t **ret_state,
		      struct rl_err *err)
{
	struct ctr c;
	int r = ctr_find(rl, word, &c, err);

	if (r < 0)
		return r;
	r = json_read_file(c.dir_fd, "state.json", STATE_MAX, ret_state, err);
	if (r == 0 && json_is_true(json_object_get(*ret_state, "remove")))
		r = rl_fail(err, EINVAL, "it was made with --rm and goes when it ends");
	if (r == 0)
		*ret_name = TAKE_PTR(c.name);
	ctr_done(&c);
	return r;
}

static int enable_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	auto_free char *name = NULL;
	auto_buf struct buf text = { 0 };
	json_auto_t *state = NULL;
	struct unit u = { .dir_fd = FD_NONE };
	int r = read_state(rl, word, &name, &state, err);

	(void)opts;
	if (r < 0)
		return r;
	r = unit_open(rl, name, true, &u, err);
	if (r == 0)
		r = check_ours(&u, err);
	if (r == 0 || r == -ENOENT)
		r = unit_text(rl, name, state, &text, err);
	if (r == 0)
		r = io_replace_file(u.dir_fd, u.name, text.data, text.len, 0644, IO_SYNC, err);
	if (r == 0)
		r = make_link(&u, err);
	if (r == 0) {
		reload();
		(void)printf("%s/%s\n", u.dir, u.name);
		tell_linger(rl, name);
	}
	unit_done(&u);
	return r;
}

/* By its name, also when the container is gone already. */
static int disable_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	auto_free char *name = NULL;
	struct unit u = { .dir_fd = FD_NONE };
	struct ctr c;
	struct rl_err unknown = { 0 };
	int r;

	(void)opts;
	if (ctr_find(rl, word, &c, &unknown) == 0) {
		name = strdup(c.name);
		ctr_done(&c);
	} else {
		r = ctr_name_check(word, err);
		if (r < 0)
			return r;
		name = strdup(word);
	}
	if (!name)
		return rl_oom(err);
	r = unit_open(rl, name, false, &u, err);
	if (r == 0)
		r = check_ours(&u, err);
	if (r == -ENOENT) {
		rl_fail(err, ENOENT, "it is not enabled");
	} else if (r == 0) {
		if (unlinkat(u.dir_fd, u.link, 0) < 0 && errno != ENOENT)
			r = rl_fail_sys(err, errno, "remove '%s/%s'", u.dir, u.link);
		if (r == 0 && unlinkat(u.dir_fd, u.name, 0) < 0)
			r = rl_fail_sys(err, errno, "remove '%s/%s'", u.dir, u.name);
		reload();
	}
	unit_done(&u);
	if (r == 0)
		(void)puts(word); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

const struct cmd cmd_enable = {
	.name = "enable",
	.args = "CONTAINER...",
	.summary = "Let systemd start containers at login or boot",
	.about = "Writes a unit of your own service manager, rl-NAME.service, and enables it. "
		 "It starts with your first login, or at boot when lingering is on; the command "
		 "says which, and what turns lingering on. From then on 'systemctl --user start' "
		 "and 'stop' do the same as 'rl start' and 'rl stop'. A container that ends is "
		 "started again by its own --restart policy only.\n\n"
		 "The container is not started now: 'systemctl --user start rl-NAME' does that.",
	.examples = {
		{ "rl enable web",
		  "Start 'web' at each login or boot." },
		{ "systemctl --user start rl-web",
		  "Start it now, as it will be then." },
	},
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = enable_one,
};

const struct cmd cmd_disable = {
	.name = "disable",
	.args = "CONTAINER...",
	.summary = "Undo rl enable",
	.about = "Removes the unit that 'rl enable' wrote. A container that runs goes on "
		 "running. One that was removed is named by the name that it had.",
	.examples = {
		{ "rl disable web",
		  "'web' is started by hand only from now on." },
		{ "rl disable web && rl rm -f web",
		  "Be rid of it altogether." },
	},
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = disable_one,
};
