/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - the log of what happened; the header is the manual */
#include "config.h"

#include "core/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"

#define LOG_PATH  EVENTS_DIR "/" EVENTS_LOG
#define OLD_PATH  EVENTS_DIR "/" EVENTS_OLD
#define LOCK_PATH EVENTS_DIR "/lock"
#define STATE_MAX (8U << 20)

static int add_line(struct buf *out, const struct event *e, int64_t ns, const json_t *attributes)
{
	json_auto_t *j = json_pack(
		"{s:i, s:s, s:s, s:s*, s:s*, s:s*, s:I, s:O*, s:o*, s:s*}", "v", EVENTS_FORMAT,
		"Type", e->type, "Status", e->status, "ID", e->id, "Name", e->name, "Image",
		e->image, "timeNano", (json_int_t)ns, "Attributes", attributes, "ContainerExitCode",
		e->has_exit_code ? json_integer(e->exit_code) : NULL, "HealthStatus", e->health);
	auto_free char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	if (strlen(text) >= EVENTS_LINE_MAX)
		return attributes ? add_line(out, e, ns, NULL) : -EFBIG;
	return buf_printf(out, "%s\n", text);
}

static int open_log(const struct rl *rl)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(rl->data_fd, LOG_PATH, flags, 0600);

	if (fd < 0 && errno == ENOENT && mkdirat(rl->data_fd, EVENTS_DIR, 0700) == 0)
		fd = openat(rl->data_fd, LOG_PATH, flags, 0600);
	return fd;
}

/* One of those who see a full log moves it; who does not get the lock leaves it to that one. */
static void rotate(const struct rl *rl, int fd)
{
	auto_fd int lock =
		openat(rl->data_fd, LOCK_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat ours, now;

	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return;
	/* it may have been done already: then log is another file */
	if (fstat(fd, &ours) == 0 &&
	    fstatat(rl->data_fd, LOG_PATH, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_ino == now.st_ino)
		(void)renameat(rl->data_fd, LOG_PATH, rl->data_fd, OLD_PATH);
}

void events_emit(const struct rl *rl, const struct event *v, size_t n)
{
	auto_buf struct buf out = { 0 };
	auto_fd int fd = FD_NONE;
	int64_t now = wall_ns();

	for (size_t i = 0; i < n; i++)
		RL_IGNORE(add_line(&out, &v[i], now + (int64_t)i,
				   v[i].attributes)); /* others may fit */
	if (out.len == 0)
		return;
	fd = open_log(rl);
	if (fd < 0)
		return;
	/* one call, never the rest in a second one: another writer's line may be in between */
	RL_IGNORE(write(fd, out.data, out.len));
	if (lseek(fd, 0, SEEK_CUR) >= EVENTS_MAX)
		rotate(rl, fd);
}

void events_ctr(const struct rl *rl, const struct ctr *c, const char *status,
		const struct ctr_exit *x)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	struct event e = { .type = "container",
			   .status = status,
			   .id = c->id,
			   .name = c->name,
			   .has_exit_code = x != NULL,
			   .exit_code = x ? x->code : 0 };

	/* what does not change of the record: the file may be gone by now, as with --rm */
	if (c->record || json_read_file(c->dir_fd, "state.json", STATE_MAX, &j, &ignored) == 0) {
		e.image =
			json_string_value(json_object_get(c->record ? c->record : j, "image_name"));
		e.attributes = json_object_get(c->record ? c->record : j, "labels");
	}
	events_emit(rl, &e, 1);
}

void events_thing(const struct rl *rl, const char *type, const char *status, const char *id,
		  const char *name)
{
	events_emit(rl,
		    &(const struct event){ .type = type, .status = status, .id = id, .name = name },
		    1);
}

/* --- reading --- */

static bool are_strings(const json_t *o)
{
	const char *key;
	json_t *v;

	if (!o)
		return true;
	json_object_foreach ((json_t *)(uintptr_t)o, key, v)
		if (!json_is_string(v))
			return false;
	return json_is_object(o);
}

static bool is_event(const json_t *j)
{
	static const char *const texts[] = { "ID", "Name", "Image", "HealthStatus" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const json_t *v = json_object_get(j, texts[i]);

		if (v && !json_is_string(v))
			return false;
	}
	return json_integer_value(json_object_get(j, "v")) == EVENTS_FORMAT &&
	       json_is_string(json_object_get(j, "Type")) &&
	       json_is_string(json_object_get(j, "Status")) &&
	       json_is_integer(json_object_get(j, "timeNano")) &&
	       are_strings(json_object_get(j, "Attributes"));
}

int events_parse(const char *line, size_t len, json_t **ret)
{
	static const char head[] =
		"{\"v\":"; /* quotes inside of strings have a backslash in front */
	json_auto_t *j = NULL;
	struct rl_err ignored;

	while (json_read(line, len, EVENTS_LINE_MAX, "event", &j, &ignored) < 0) {
		const char *next =
			len > 1 ? memmem(line + 1, len - 1, head, sizeof(head) - 1) : NULL;

		if (!next)
			return -EINVAL;
		len -= (size_t)(next - line);
		line = next;
	}
	if (!is_event(j))
		return -EINVAL;
	*ret = TAKE_PTR(j);
	return 0;
}
