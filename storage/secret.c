/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - secrets by name; the header is the manual */
#include "config.h"

#include "storage/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/ctr.h"

#define HEAD_MAX (1 << 20)
#define FILE_MAX (HEAD_MAX + SECRET_MAX)
#define FORMAT   1

void secret_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_done(b);
}

void secret_done(struct secret *s)
{
	secret_wipe(&s->data);
	free(s->name);
	json_decref(s->labels);
	*s = (struct secret){ 0 };
}

static int path_of(const char *name, char out[300], struct rl_err *err)
{
	int r = ctr_name_check(name, err); /* the same letters: no '/', no leading '.' */

	if (r == 0)
		(void)snprintf(out, 300, "secrets/%s", name);
	return r;
}

static int no_such(const char *word, struct rl_err *err)
{
	rl_fail(err, ENOENT, "no such secret '%.128s'", word);
	return rl_hint(err, "'rl secret ls' lists them");
}

static int get_time(const json_t *o, const char *key, int64_t *ret, struct rl_err *err)
{
	const char *s = NULL;
	int r = json_get_str(o, key, "secret", &s, err);

	if (r == 0 && (!s || time_parse_rfc3339(s, ret) < 0))
		r = rl_fail(err, EBADMSG, "secret: '%s' is not a time", key);
	return r;
}

int secret_parse(const char *name, const char *text, size_t len, bool with_data, struct secret *ret,
		 struct rl_err *err)
{
	const char *end = len ? memchr(text, '\n', len < HEAD_MAX ? len : HEAD_MAX) : NULL;
	json_auto_t *head = NULL;
	auto_secret struct secret s = { 0 };
	const char *id = NULL;
	json_t *labels = NULL;
	int64_t version = 0;
	int r = end ? json_read(text, (size_t)(end - text), HEAD_MAX, "secret", &head, err)
		    : rl_fail(err, EBADMSG, "secret '%s' is damaged", name);

	if (r == 0)
		r = json_get_int(head, "version", "secret", &version, err);
	if (r == 0 && version != FORMAT)
		r = rl_fail(err, EBADMSG, "secret '%s' has the format %lld, this rl knows %d", name,
			    (long long)version, FORMAT);
	if (r == 0)
		r = json_get_str(head, "id", "secret", &id, err);
	if (r == 0 &&
	    (!id || strlen(id) != SECRET_ID_LEN || strspn(id, "0123456789abcdef") != SECRET_ID_LEN))
		r = rl_fail(err, EBADMSG, "secret '%s' has no id", name);
	if (r == 0)
		r = json_get_obj(head, "labels", "secret", &labels, err);
	if (r == 0)
		r = get_time(head, "created", &s.created_ns, err);
	if (r == 0)
		r = get_time(head, "updated", &s.updated_ns, err);
	if (r < 0)
		return r;
	memcpy(s.id, id, SECRET_ID_LEN);
	s.labels = labels ? json_incref(labels) : json_object();
	s.name = strdup(name);
	if (!s.name || !s.labels ||
	    (with_data && buf_add(&s.data, end + 1, len - (size_t)(end + 1 - text)) < 0))
		return rl_oom(err);
	*ret = s;
	s = (struct secret){ 0 };
	return 0;
}

static int read_one(const struct rl *rl, const char *name, bool with_data, struct secret *ret,
		    struct rl_err *err)
{
	struct buf text = { 0 };
	char path[300];
	int r = path_of(name, path, err);

	if (r < 0)
		return no_such(name, err);
	r = io_read_file(rl->data_fd, path, FILE_MAX, &text, err);
	if (r == -ENOENT)
		r = no_such(name, err);
	if (r == 0)
		r = secret_parse(name, text.data ? text.data : "", text.len, with_data, ret, err);
	secret_wipe(&text);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int secret_list(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int fd = io_open_dir(rl->data_fd, "secrets", err);

	if (fd == -ENOENT)
		return 0;
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		fd_close(fd);
		return fd < 0 ? fd : rl_oom(err);
	}
	while ((e = readdir(d))) {
		struct rl_err ignored;

		if (ctr_name_check(e->d_name, &ignored) < 0 || strstr(e->d_name, ".tmp-"))
			continue;
		if (strv_add(ret, e->d_name) < 0)
			return rl_oom(err);
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

/* The one whose id begins with @word. */
static int by_id(const struct rl *rl, const char *word, bool with_data, struct secret *ret,
		 struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	auto_secret struct secret found = { 0 };
	size_t n = strlen(word);
	int r = secret_list(rl, &names, err);

	if (r < 0)
		return r;
	for (size_t i = 0; n > 0 && n <= SECRET_ID_LEN && i < names.n; i++) {
		auto_secret struct secret s = { 0 };
		struct rl_err ignored;

		if (read_one(rl, names.v[i], with_data, &s, &ignored) < 0 ||
		    strncmp(s.id, word, n) != 0)
			continue;
		if (found.name)
			return rl_fail(err, EEXIST, "'%s' is the beginning of several ids", word);
		found = s;
		s = (struct secret){ 0 };
	}
	if (!found.name)
		return no_such(word, err);
	*ret = found;
	found = (struct secret){ 0 };
	return 0;
}

int secret_load(const struct rl *rl, const char *word, bool with_data, struct secret *ret,
		struct rl_err *err)
{
	int r = read_one(rl, word, with_data, ret, err);

	return r == -ENOENT ? by_id(rl, word, with_data, ret, err) : r;
}

static json_t *label_object(const struct strv *l)
{
	json_t *o = json_object();

	for (size_t i = 0; o && l && i < l->n; i++) {
		const char *eq = strchr(l->v[i], '=');
		auto_free char *key =
			eq ? strndup(l->v[i], (size_t)(eq - l->v[i])) : strdup(l->v[i]);

		if (!key || json_object_set_new(o, key, json_string(eq ? eq + 1 : "")) < 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static int write_one(const struct rl *rl, const struct secret_req *q, const char *path,
		     const struct secret *old, struct rl_err *err)
{
	char id[SECRET_ID_LEN + 2], created[32], now[32];
	const int64_t ns = wall_ns();
	json_auto_t *head = NULL;
	auto_free char *line = NULL;
	struct buf b = { 0 };
	int r;

	rand_hex(id, (SECRET_ID_LEN + 1) / 2);
	id[SECRET_ID_LEN] = '\0';
	time_rfc3339(now, ns);
	time_rfc3339(created, old->name ? old->created_ns : ns);
	head = json_pack("{s:i, s:s, s:s, s:o, s:s, s:s}", "version", FORMAT, "id", id, "driver",
			 "file", "labels", label_object(q->labels), "created", created, "updated",
			 now);
	line = head ? json_dumps(head, JSON_COMPACT) : NULL;
	if (!line)
		return rl_fail(err, EINVAL, "a label is not valid UTF-8");
	r = buf_printf(&b, "%s\n", line);
	if (r == 0)
		r = buf_add(&b, q->data, q->len);
	r = r < 0 ? rl_oom(err)
		  : io_replace_file(rl->data_fd, path, b.data, b.len, 0600, IO_SYNC, err);
	secret_wipe(&b);
	return r;
}

int secret_create(const struct rl *rl, const struct secret_req *q, struct secret *ret,
		  struct rl_err *err)
{
	auto_secret struct secret old = { 0 };
	auto_fd int lock = FD_NONE;
	struct rl_err none;
	char path[300];
	int r = path_of(q->name, path, err);

	if (r == 0 && q->len == 0)
		r = rl_fail(err, EINVAL, "secret '%s' would be empty", q->name);
	if (r == 0 && q->len > SECRET_MAX)
		r = rl_fail(err, EFBIG, "secret '%s' has more than %d bytes", q->name, SECRET_MAX);
	if (r == 0)
		r = io_mkdirs(rl->data_fd, "secrets", 0700, err);
	if (r < 0)
		return r;
	lock = io_flock_wait(rl->data_fd, "secrets/.lock", 10000, err);
	if (lock < 0)
		return lock;
	/* a damaged one is no reason not to replace it */
	if (read_one(rl, q->name, false, &old, &none) == 0 && !q->replace) {
		if (q->ignore)
			return read_one(rl, q->name, false, ret, err) < 0 ? -err->code : 1;
		rl_fail(err, EEXIST, "a secret of the name '%s' exists already", q->name);
		return rl_hint(err, "--replace gives it a new content");
	}
	r = write_one(rl, q, path, &old, err);
	return r < 0 ? rl_wrap(err, "secret '%s'", q->name)
		     : read_one(rl, q->name, false, ret, err);
}

int secret_remove(const struct rl *rl, const char *name, struct rl_err *err)
{
	char path[300];
	int r = path_of(name, path, err);

	if (r < 0)
		return r;
	if (unlinkat(rl->data_fd, path, 0) == 0)
		return 0;
	return errno == ENOENT ? no_such(name, err)
			       : rl_fail_sys(err, errno, "remove secret '%s'", name);
}
