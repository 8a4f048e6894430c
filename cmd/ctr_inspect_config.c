/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_inspect_config.c - "Config" of inspect: what runs, with which surroundings */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cmd/ctr_inspect.h"
#include "cmd/ctr_view.h"
#include "cmd/engine/secretopt.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/health.h"

/* What the image says about @key, if it is of @type. Borrowed. */
static json_t *of_image(const struct ctr_view *v, const char *key, json_type type)
{
	json_t *x = json_object_get(json_object_get(v->image.config, "config"), key);

	return x && json_typeof(x) == type ? x : NULL;
}

/* @n arguments from @from on; null when there are none. */
static json_t *args(const struct ctr_view *v, size_t from, size_t n)
{
	const json_t *all = json_object_get(v->rec, "args");
	json_t *a = json_array();

	for (size_t i = from; i < from + n && i < json_array_size(all); i++)
		(void)json_array_append(a, json_array_get(all, i));
	if (json_array_size(a) > 0)
		return a;
	json_decref(a);
	return json_null();
}

static json_t *user(const struct ctr_view *v)
{
	const json_t *asked = json_object_get(v->asked, "user");

	if (!asked)
		asked = of_image(v, "User", JSON_STRING);
	return json_string(asked ? json_string_value(asked) : "");
}

json_t *view_annotations(const struct ctr_view *v)
{
	json_t *from = json_object_get(v->config, "annotations"), *o = json_object(), *x;
	const char *key;

	json_object_foreach (from, key, x) {
		if (strncmp(key, "rl.", 3) != 0)
			(void)json_object_set(o, key, x);
	}
	return o;
}

static json_t *or_null(json_t *x)
{
	return x ? json_incref(x) : json_null();
}

static json_t *stop_signal(const struct ctr_view *v)
{
	int n = (int)json_integer_value(json_object_get(v->rec, "stop_signal"));
	const char *name = n > 0 && n < 32 ? sigabbrev_np(n) : NULL;

	return name ? json_sprintf("SIG%s", name) : json_sprintf("%d", n);
}

static json_t *exposed(const struct ctr_view *v)
{
	json_t *from = of_image(v, "ExposedPorts", JSON_OBJECT), *x;
	json_t *o = from ? json_copy(from) : json_object();
	json_auto_t *published = ctr_view_port_map(json_object_get(v->rec, "ports"));
	const char *key;

	json_object_foreach (published, key, x) {
		if (!json_object_get(o, key))
			(void)json_object_set_new(o, key, json_object());
	}
	return o;
}

/* The check in the layout of images; NULL when there is none. */
static json_t *health_json(const struct ctr_view *v)
{
	json_t *x = json_object_get(v->rec, "health"), *h = json_is_object(x) ? json_copy(x) : NULL;

	(void)json_object_del(h, "OnFailure"); /* shown elsewhere */
	(void)json_object_del(h, "Startup");
	(void)json_object_del(h, "LogCount");
	(void)json_object_del(h, "LogBytes");
	return h;
}

static int health_number(const json_t *rec, const char *key, int none)
{
	const json_t *n = json_object_get(json_object_get(rec, "health"), key);

	return n ? (int)json_integer_value(n) : none;
}

/* What was asked for by name; the content is nobody's business here. */
static json_t *secrets(const struct ctr_view *v)
{
	const json_t *words = json_object_get(v->asked, "secrets"), *w;
	json_t *a = json_array();
	size_t i;

	json_array_foreach (words, i, w) {
		auto_secretopt struct secretopt o = { 0 };
		struct rl_err ignored;

		if (json_is_string(w) && secretopt_parse(json_string_value(w), &o, &ignored) == 0)
			(void)json_array_append_new(
				a,
				json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "Name", o.name, "Type",
					  o.as_env ? "env" : "mount", "Target", o.target, "UID",
					  (int)o.uid, "GID", (int)o.gid, "Mode", (int)o.mode));
	}
	return a;
}

json_t *ctr_inspect_config(const struct ctr_view *v)
{
	size_t entry = (size_t)json_integer_value(json_object_get(v->asked, "entry_args"));
	const json_t *rec = v->rec, *u = json_object_get(v->process, "user");
	const json_t *mask = json_object_get(u, "umask");
	const char *mode = view_text(v->asked, "sdnotify");
	const char *action = view_text(json_object_get(rec, "health"), "OnFailure");
	const char *ref = view_text(v->asked, "image_ref"), *typed = view_text(rec, "image_name");
	bool tty = json_is_true(json_object_get(rec, "tty"));
	bool input = json_is_true(json_object_get(rec, "interactive"));
	json_t *health = health_json(v), *startup, *j;
	int log_count = health_number(rec, "LogCount", HEALTH_LOG_MAX);
	int log_bytes = health_number(rec, "LogBytes", EXEC_OUTPUT_MAX);
	char umask[8];

	(void)snprintf(umask, sizeof(umask), "%04o",
		       mask ? (unsigned)json_integer_value(mask) & 07777 : 022);
	j = json_pack(
		"{s:s, s:s, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:s, s:o, s:s, s:o, s:o, "
		"s:o, s:o, s:o}",
		"Hostname", view_text(v->config, "hostname"), "Domainname",
		view_text(v->config, "domainname"), "User", user(v), "AttachStdin", 0,
		"AttachStdout", 0, "AttachStderr", 0, "Tty", tty, "OpenStdin", input, "StdinOnce",
		0, "Env", view_list(v->process, "env"), "Cmd",
		args(v, entry, json_array_size(json_object_get(rec, "args"))), "Image",
		*ref ? ref : typed, "Volumes", or_null(of_image(v, "Volumes", JSON_OBJECT)),
		"WorkingDir", view_text(v->process, "cwd"), "Entrypoint", args(v, 0, entry),
		"OnBuild", or_null(of_image(v, "OnBuild", JSON_ARRAY)), "Labels",
		view_object(rec, "labels"), "Annotations", view_annotations(v), "StopSignal",
		stop_signal(v));
	startup = json_object_get(json_object_get(rec, "health"), "Startup");
	if (j && (startup || v->how.full))
		(void)json_object_set_new(j, "StartupHealthCheck",
					  startup ? json_incref(startup) : json_null());
	if (j && v->how.full) /* Podman's templates know them by these names, too */
		(void)json_object_update_new(j,
					     json_pack("{s:i, s:i}", "HealthMaxLogCount", log_count,
						       "HealthMaxLogSize", log_bytes));
	if (j && (health || v->how.full))
		(void)json_object_set_new(j, "Healthcheck", health ? health : json_null());
	if (j)
		(void)json_object_update_new(
			j,
			json_pack("{s:s, s:s, s:i, s:i, s:o, s:s, s:O, s:O, s:b, s:s, s:o}",
				  "HealthcheckOnFailureAction", *action ? action : "none",
				  "HealthLogDestination", "local", "HealthcheckMaxLogCount",
				  log_count, "HealthcheckMaxLogSize", log_bytes, "CreateCommand",
				  view_list(v->asked, "command"), "Umask", umask, "Timeout",
				  json_object_get(rec, "timeout"), "StopTimeout",
				  json_object_get(rec, "stop_timeout"), "Passwd", 1, "sdNotifyMode",
				  *mode ? mode : "ignore", "ExposedPorts", exposed(v)));
	if (j && json_object_get(v->asked, "secrets"))
		(void)json_object_set_new(j, "Secrets", secrets(v));
	return j;
}
