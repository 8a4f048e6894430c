/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c - profiles and filters through the cache, and loading; the header is the manual */
#include "config.h"

#include "core/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/proc.h"
#include "core/seccomp_int.h"

#define PROFILE_MAX (1 << 20)

/* What a value of the cache starts with; the text and the instructions follow. */
struct value {
	uint64_t text_len;
	uint32_t flags, n;
};

/* The profile's absolute path without links, and its text. */
static int read_profile(const char *wanted, char **ret_path, struct buf *text, struct rl_err *err)
{
	auto_free char *found = wanted ? NULL : proc_find_data("seccomp.json", err);
	auto_free char *path = NULL;
	int r;

	if (!wanted && !found)
		return -err->code;
	path = realpath(wanted ? wanted : found, NULL);
	if (!path)
		return rl_fail_sys(err, errno, "seccomp profile '%s'", wanted ? wanted : found);
	r = io_read_file(AT_FDCWD, path, PROFILE_MAX, text, err);
	if (r == 0 && text->len == 0)
		r = rl_fail(err, EINVAL, "'%s' is empty", path);
	if (r < 0)
		return rl_wrap(err, "seccomp profile");
	*ret_path = TAKE_PTR(path);
	return 0;
}

/* Everything but the rules that a filter depends on. */
static int add_versions(struct buf *key)
{
	const struct scmp_version *v = seccomp_version();

	return buf_printf(key, "rl %s libseccomp %u.%u.%u %08x\n", PACKAGE_VERSION,
			  v ? v->major : 0, v ? v->minor : 0, v ? v->micro : 0,
			  (unsigned)seccomp_arch_native());
}

/* The text itself: times and numbers of a file can stay as they were when its content changes. */
static int profile_key(const struct buf *text, const struct seccomp_host *h, uint64_t caps,
		       struct buf *key)
{
	int r = add_versions(key);

	if (r == 0)
		r = buf_printf(key, "%s %u.%u %llx\n", h->arch, h->kernel[0], h->kernel[1],
			       (unsigned long long)caps);
	return r < 0 ? r : buf_add(key, text->data, text->len);
}

/* @ret_text may be NULL. 1: taken, 0: there is none. */
static int from_cache(const struct rl *rl, enum seccomp_cached kind, const struct buf *key,
		      char **ret_text, struct seccomp_filter *ret)
{
	auto_free void *data = NULL;
	auto_free char *text = NULL;
	auto_free struct sock_filter *insns = NULL;
	const char *p;
	struct value v;
	size_t len, bytes;

	if (!seccomp_cache_get(rl, kind, key->data, key->len, &data, &len) || len < sizeof(v))
		return 0;
	p = data;
	memcpy(&v, p, sizeof(v));
	len -= sizeof(v);
	bytes = (size_t)v.n * sizeof(*insns);
	if (v.n == 0 || v.n > BPF_MAXINSNS || v.text_len > len || len - v.text_len != bytes)
		return 0;
	text = strndup(p + sizeof(v), v.text_len);
	insns = malloc(bytes);
	if (!text || !insns)
		return 0;
	memcpy(insns, p + sizeof(v) + v.text_len, bytes);
	*ret = (struct seccomp_filter){ TAKE_PTR(insns), (unsigned short)v.n, v.flags };
	if (ret_text)
		*ret_text = TAKE_PTR(text);
	return 1;
}

static void to_cache(const struct rl *rl, enum seccomp_cached kind, const struct buf *key,
		     const char *text, const struct seccomp_filter *f)
{
	const struct value v = { strlen(text), f->flags, f->n };
	auto_buf struct buf b = { 0 };

	if (buf_add(&b, &v, sizeof(v)) == 0 && buf_str(&b, text) == 0 &&
	    buf_add(&b, f->insns, f->n * sizeof(*f->insns)) == 0)
		seccomp_cache_put(rl, kind, key->data, key->len, b.data, b.len);
}

static int evaluate(const char *path, const struct buf *text, const struct seccomp_host *host,
		    uint64_t caps, json_t **ret, struct rl_err *err)
{
	json_auto_t *profile = NULL;
	int r = json_read(text->data, text->len, PROFILE_MAX, path, &profile, err);

	if (r < 0)
		return rl_wrap(err, "seccomp profile");
	r = seccomp_profile_eval(profile, host, caps, ret, err);
	return r < 0 ? rl_wrap(err, "'%s'", path) : 0;
}

int seccomp_resolve(const char *profile_path, uint64_t caps, json_t **ret, struct rl_err *err)
{
	auto_free char *path = NULL;
	auto_buf struct buf text = { 0 };
	struct seccomp_host host;
	int r = read_profile(profile_path, &path, &text, err);

	if (r == 0)
		r = seccomp_host_get(&host, err);
	return r < 0 ? r : evaluate(path, &text, &host, caps, ret, err);
}

static int build_new(const json_t *oci, const char *path, char **ret_text,
		     struct seccomp_filter *ret, struct rl_err *err)
{
	auto_free char *text = json_dumps(oci, JSON_COMPACT);
	int r;

	if (!text)
		return rl_oom(err);
	r = seccomp_build(oci, ret, err);
	if (r < 0)
		return rl_wrap(err, "'%s'", path);
	*ret_text = TAKE_PTR(text);
	return 0;
}

/*
 * Building takes a megabyte in pieces all over the heap, which the monitor would inherit and keep
 * for as long as the container lives. So a child does it, and the result comes by the cache.
 * Return: true in the child
 */
static bool fork_builder(void)
{
	pid_t pid = fork();
	int status;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid == 0;
}

int seccomp_prepare(const struct rl *rl, const char *profile_path, uint64_t caps, char **ret_text,
		    struct seccomp_filter *ret, struct rl_err *err)
{
	auto_free char *path = NULL;
	auto_buf struct buf text = { 0 }, key = { 0 };
	json_auto_t *oci = NULL;
	struct seccomp_host host;
	int r = read_profile(profile_path, &path, &text, err);
	bool is_child;

	if (r == 0)
		r = seccomp_host_get(&host, err);
	if (r < 0)
		return r;
	if (profile_key(&text, &host, caps, &key) < 0)
		return rl_oom(err);
	if (from_cache(rl, SECCOMP_BY_PROFILE, &key, ret_text, ret))
		return 0;
	is_child = fork_builder();
	if (!is_child && from_cache(rl, SECCOMP_BY_PROFILE, &key, ret_text, ret))
		return 0;
	r = evaluate(path, &text, &host, caps, &oci, err);
	if (r == 0)
		r = build_new(oci, path, ret_text, ret, err);
	if (r == 0)
		to_cache(rl, SECCOMP_BY_PROFILE, &key, *ret_text, ret);
	if (is_child)
		_exit(0);
	return r;
}

int seccomp_compile(const struct rl *rl, const json_t *oci, struct seccomp_filter *ret,
		    struct rl_err *err)
{
	auto_free char *text = json_dumps(oci, JSON_COMPACT);
	auto_buf struct buf key = { 0 };
	bool is_child;
	int r;

	if (!text || add_versions(&key) < 0 || buf_str(&key, text) < 0)
		return rl_oom(err);
	if (from_cache(rl, SECCOMP_BY_OBJECT, &key, NULL, ret))
		return 0;
	is_child = fork_builder();
	if (!is_child && from_cache(rl, SECCOMP_BY_OBJECT, &key, NULL, ret))
		return 0;
	r = seccomp_build(oci, ret, err);
	if (r == 0)
		to_cache(rl, SECCOMP_BY_OBJECT, &key, "", ret);
	if (is_child)
		_exit(0);
	return r;
}

int seccomp_apply(const struct seccomp_filter *f, struct rl_err *err)
{
	const struct sock_fprog prog = { .len = f->n, .filter = f->insns };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &prog) == 0)
		return 0;
	rl_fail_sys(err, errno, "load the seccomp filter");
	if (err->code == ENOSYS || err->code == EINVAL)
		rl_hint(err, "does the kernel have CONFIG_SECCOMP_FILTER?");
	return -err->code;
}

void seccomp_done(struct seccomp_filter *f)
{
	free(f->insns);
	*f = (struct seccomp_filter){ 0 };
}
