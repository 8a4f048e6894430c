/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_build.c - from a request and an image config to an OCI runtime spec
 *
 * Theory of operation: the parts (spec_parts.h) run in a fixed order on one struct spec_ctx.
 * Everything that can be wrong about the user's words or the image is found before the last part,
 * which creates volumes and writes the generated files, so that a refused request leaves nothing.
 * Source: OCI runtime-spec config.md and config-linux.md, version 1.2.0.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/parse.h"

#define LABEL_FILE_MAX (1 << 20)

json_t *spec_make_strings(char *const *v, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < n; i++) {
		if (json_array_append_new(a, json_string(v[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

/* "key=value" or "key" into an object. */
static int set_pair(json_t *o, const char *word, const char *flag, struct rl_err *err)
{
	const char *eq = strchr(word, '=');
	auto_free char *key = eq ? strndup(word, (size_t)(eq - word)) : strdup(word);
	json_t *v;

	if (!key)
		return rl_oom(err);
	if (!*key)
		return rl_fail(err, EINVAL, "'%s %s': no name before '='", flag, word);
	v = json_string(eq ? eq + 1 : "");
	if (!v)
		return rl_fail(err, EINVAL, "'%s %.80s' is not valid UTF-8", flag, word);
	return json_object_set_new(o, key, v) < 0 ? rl_oom(err) : 0;
}

static int label_file(json_t *o, const char *path, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	auto_strv struct strv lines = { 0 };
	int r = io_read_given(path, LABEL_FILE_MAX, &b, err);

	if (r < 0)
		return rl_wrap(err, "label file");
	if (strv_split(&lines, b.data ? b.data : "", '\n') < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		if (*lines.v[i] && *lines.v[i] != '#')
			r = set_pair(o, lines.v[i], "--label", err);
	return r;
}

static int make_labels(struct spec_ctx *x, struct rl_err *err)
{
	json_t *o = x->img.labels ? json_copy(x->img.labels) : json_object();
	int r = 0;

	x->out->labels = o;
	if (!o)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < x->req->label_file.n; i++)
		r = label_file(o, x->req->label_file.v[i], err);
	for (size_t i = 0; r == 0 && i < x->req->label.n; i++)
		r = set_pair(o, x->req->label.v[i], "--label", err);
	return r;
}

static bool nested(const struct spec_ctx *x)
{
	/* who joins a user namespace has what is allowed there */
	return x->req->nested || x->req->privileged || (x->other && x->other->spec.nested);
}

/* Only what the user asked for: an image's labels are never annotations (SECURITY S37). */
static int add_annotations(struct spec_ctx *x, struct rl_err *err)
{
	bool keep_groups = strv_has(&x->req->group_add, "keep-groups");
	json_t *o;
	int r = 0;

	if (x->req->annotation.n == 0 && !nested(x) && !keep_groups)
		return 0;
	o = json_object();
	if (!o || json_object_set_new(x->spec, "annotations", o) < 0)
		return rl_oom(err);
	/* to core: user namespaces inside are fine; else it forbids them (SECURITY section 4) */
	if (nested(x) && json_object_set_new(o, "rl.nested", json_string("1")) < 0)
		return rl_oom(err);
	if (keep_groups &&
	    json_object_set_new(o, "run.oci.keep_original_groups", json_string("1")) < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < x->req->annotation.n; i++) {
		if (!strchr(x->req->annotation.v[i], '='))
			return rl_fail(err, EINVAL, "'--annotation %s' is not KEY=VALUE",
				       x->req->annotation.v[i]);
		r = set_pair(o, x->req->annotation.v[i], "--annotation", err);
	}
	return r;
}

static int stop_signal(struct spec_ctx *x, struct rl_err *err)
{
	const char *s = x->req->stop_signal;

	x->out->stop_signal = SIGTERM;
	if (s && life_parse_signal(s, &x->out->stop_signal, err) < 0)
		return rl_wrap(err, "'--stop-signal'");
	if (!s && x->img.stop_signal && parse_signal(x->img.stop_signal, &x->out->stop_signal) < 0)
		log_warn("the image's stop signal '%.40s' is unknown, using SIGTERM",
			 x->img.stop_signal);
	return 0;
}

static int skeleton(struct spec_ctx *x, struct rl_err *err)
{
	x->out->spec =
		json_pack("{s:s, s:{}, s:{s:s, s:b}, s:s, s:[], s:{}}", "ociVersion", "1.2.0",
			  "process", "root", "path", x->in->rootfs_path, "readonly",
			  x->req->read_only, "hostname", x->out->hostname, "mounts", "linux");
	x->spec = x->out->spec;
	if (!x->spec)
		return rl_oom(err);
	x->process = json_object_get(x->spec, "process");
	x->linux_part = json_object_get(x->spec, "linux");
	if (x->req->domainname && (x->host_uts || x->ns_path[SPEC_NS_UTS]))
		return rl_fail(err, EINVAL, "'--domainname' and '--uts %s' exclude each other",
			       x->req->uts);
	if (x->req->domainname && !text_is_hostname(x->req->domainname, TEXT_HOST_MAX))
		return rl_fail(err, EINVAL, "invalid domain name '%.80s'", x->req->domainname);
	if (x->req->domainname &&
	    json_object_set_new(x->spec, "domainname", json_string(x->req->domainname)) < 0)
		return rl_oom(err);
	if (x->keeps_hostname)
		(void)json_object_del(x->spec, "hostname"); /* there: just set */
	return 0;
}

static int build(struct spec_ctx *x, struct rl_err *err)
{
	int r = imgconf_read(x->in->image ? x->in->image->config : NULL, &x->img, err);

	if (r == 0)
		r = secopt_parse(&x->req->security_opt, &x->sec, err);
	if (r == 0)
		r = spec_check_hardened(x, err);
	if (r == 0)
		r = spec_check_names(x->req, err);
	if (r == 0)
		r = stop_signal(x, err);
	if (r == 0)
		r = make_labels(x, err);
	if (r == 0)
		r = spec_make_namespaces(x, err);
	if (r == 0)
		r = skeleton(x, err);
	if (r == 0)
		r = spec_make_user(x, err);
	if (r == 0)
		r = spec_make_process(x, err);
	if (r == 0)
		r = spec_make_linux(x, err);
	if (r == 0)
		r = add_annotations(x, err);
	if (r == 0)
		r = spec_make_asked(x, err);
	if (r == 0)
		r = spec_make_mounts(x, err);
	return r;
}

int spec_build(const struct spec_in *in, struct spec_out *ret, struct rl_err *err)
{
	struct spec_out out = { 0 };
	struct spec_ctx x = { .in = in, .req = in->req, .out = &out };
	int r = build(&x, err);

	out.privileged = x.req->privileged;
	out.no_new_privs = x.sec.no_new_privs;
	out.host_cgroupns = x.host_cgroupns;
	spec_namespaces_done(&x);
	secopt_done(&x.sec);
	buf_done(&x.passwd);
	buf_done(&x.group);
	free(x.cwd);
	free(x.home);
	if (r < 0) {
		spec_out_done(&out);
		return r;
	}
	*ret = out;
	return 0;
}

char *spec_text(const struct spec_out *o)
{
	static const char mark[] =
		"\"seccomp\":null"; /* our only null: quotes are escaped in strings */
	auto_free char *text = json_dumps(o->spec, JSON_COMPACT);
	char *at = text && o->seccomp_text ? strstr(text, mark) : NULL;

	if (!at)
		return TAKE_PTR(text);
	return str_printf("%.*s\"seccomp\":%s%s", (int)(at - text), text, o->seccomp_text,
			  at + strlen(mark));
}

int spec_write(const struct spec_out *o, int dir_fd, bool sync, struct rl_err *err)
{
	auto_free char *text = spec_text(o);

	if (!text)
		return rl_oom(err);
	return io_replace_file(dir_fd, "config.json", text, strlen(text), 0600,
			       sync ? IO_SYNC : IO_NOSYNC, err);
}

void spec_out_done(struct spec_out *o)
{
	free(o->seccomp_text);
	seccomp_done(&o->filter);
	json_decref(o->spec);
	json_decref(o->labels);
	json_decref(o->asked);
	json_decref(o->mounts);
	strv_done(&o->limit_flags);
	free(o->hostname);
	for (size_t i = 0; i < o->n_volumes; i++) {
		free(o->volumes[i].name);
		free(o->volumes[i].dest);
	}
	free(o->volumes);
	*o = (struct spec_out){ 0 };
}
