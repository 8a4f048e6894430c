/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - `rl events`: print or follow what happened to containers, images and volumes
 *
 * Theory of operation: the log (core/events_tail.h) is read from its start; --since, --until and
 * filters choose; then it is followed by inotify until --until, a signal, or the end of our reader.
 * Without --since and --until a followed log starts with what is new.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/waiting.h"
#include "core/base/when.h"
#include "core/ctr_state.h"
#include "core/events_tail.h"

struct events_opts {
	const char *since, *until, *format;
	struct strv filter;
	bool stream, no_trunc;
};

static const struct opt events_options[] = {
	OPT_LIST('f', "filter", struct events_opts, filter, "KEY=VALUE",
		 "only these: container, event, image, label, network, pod, secret, type, volume"),
	OPT_STR(0, "format", struct events_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL(0, "no-trunc", struct events_opts, no_trunc, "whole ids (true)"),
	OPT_STR(0, "since", struct events_opts, since, "TIME",
		"from then on (RFC 3339, Unix time, 10m)"),
	OPT_BOOL(0, "stream", struct events_opts, stream, "go on with new ones (true)"),
	OPT_STR(0, "until", struct events_opts, until, "TIME",
		"events up to then, a time or an age such as 10m"),
	OPT_END,
};

struct printer {
	const struct events_opts *o;
	struct strv ids; /* beside the filters */
	int64_t since_ns, until_ns, began_ns;
	struct when_end end; /* of following */
	bool after;          /* one later than --until was met */
	struct buf out;
	struct rl_err *err;
};

static const char *str(const json_t *e, const char *key)
{
	const char *s = json_string_value(json_object_get(e, key));

	return s ? s : "";
}

/* --- filters --- */

static const char *const filter_keys[] = {
	"container", "event",  "image",  "label", "network",
	"pod",       "secret", "status", "type",  "volume",
};

static int check_filters(const struct strv *words, struct rl_err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		size_t len = strcspn(words->v[i], "="), k = 0;

		while (k < ARRAY_LEN(filter_keys) &&
		       (strlen(filter_keys[k]) != len ||
			memcmp(filter_keys[k], words->v[i], len) != 0))
			k++;
		if (k < ARRAY_LEN(filter_keys) && words->v[i][len] == '=')
			continue;
		rl_fail(err, EINVAL, "'%s' is no filter for events", words->v[i]);
		return rl_hint(
			err,
			"KEY=VALUE with container, event (or status), image, label, network, pod, "
			"secret, type or volume");
	}
	return 0;
}

/* By name, or by (the start of) the id; volumes have none: by the start of their name. */
static bool is_named(const json_t *e, const char *want)
{
	size_t n = strlen(want);
	bool is_volume = strcmp(str(e, "Type"), "volume") == 0;

	return strcmp(str(e, "Name"), want) == 0 ||
	       (n >= 3 && strncmp(str(e, is_volume ? "Name" : "ID"), want, n) == 0);
}

/* "alpine", "docker.io/library/alpine" and "docker.io/library/alpine:latest" are one image. */
static bool is_image_name(const char *name, const char *want)
{
	size_t n = strlen(name), k = strlen(want);
	const char *tail = k <= n ? strstr(name, want) : NULL;

	while (tail) {
		if ((tail == name || tail[-1] == '/') && (tail[k] == '\0' || tail[k] == ':'))
			return true;
		tail = strstr(tail + 1, want);
	}
	return false;
}

static bool has_label(const json_t *e, const char *want)
{
	const char *eq = strchr(want, '=');
	auto_free char *key = eq ? strndup(want, (size_t)(eq - want)) : strdup(want);
	const char *v = key ? str(json_object_get(e, "Attributes"), key) : "";

	return eq ? strcmp(v, eq + 1) == 0
		  : key && json_object_get(json_object_get(e, "Attributes"), key);
}

/* By our name or Docker's ("exec_start: CMD", "health_status: healthy"). */
static bool is_status(const json_t *e, const char *want)
{
	static const struct {
		const char *docker, *ours;
	} names[] = { { "die", "died" },         { "destroy", "remove" },
		      { "delete", "remove" },    { "load", "loadFromArchive" },
		      { "exec_create", "exec" }, { "exec_start", "exec" } };
	size_t n = strcspn(want, ":");

	if (strncmp(want, "health_status: ", 15) == 0 &&
	    strcmp(str(e, "HealthStatus"), want + 15) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i].docker) == n && strncmp(want, names[i].docker, n) == 0)
			return strcmp(str(e, "Status"), names[i].ours) == 0;
	return strlen(str(e, "Status")) == n && strncasecmp(str(e, "Status"), want, n) == 0;
}

/* @id: of the container that has the name @value now, or "" */
static bool fits(const json_t *e, const char *key, const char *value, const char *id)
{
	const char *type = str(e, "Type");

	if (strcmp(key, "event") == 0 || strcmp(key, "status") == 0)
		return is_status(e, value);
	if (strcmp(key, "type") == 0)
		return strcmp(type, value) == 0;
	if (strcmp(key, "label") == 0)
		return has_label(e, value);
	if (strcmp(key, "image") == 0)
		return strcmp(type, "image") == 0
			       ? is_named(e, value) || is_image_name(str(e, "Name"), value)
			       : is_image_name(str(e, "Image"), value);
	return strcmp(type, key) == 0 &&
	       (is_named(e, value) || (*id && strcmp(str(e, "ID"), id) == 0));
}

/* A container that was renamed, or is named by the start of its id, is the same one in all its events. */
static int find_ids(const struct rl *rl, const struct strv *words, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < words->n; i++) {
		struct ctr c = { .dir_fd = FD_NONE, .lock_fd = FD_NONE };
		struct rl_err unknown;

		if (strncmp(words->v[i], "container=", 10) == 0 &&
		    ctr_find(rl, words->v[i] + 10, &c, &unknown) < 0)
			c.id[0] = '\0';
		r = strv_add(ret, c.id);
		ctr_done(&c);
	}
	return r;
}

/* The same key again: either (labels: all); different keys: all. */
static bool passes(const struct strv *words, const struct strv *ids, const json_t *e)
{
	for (size_t k = 0; k < ARRAY_LEN(filter_keys); k++) {
		bool seen = false, any = false, all = true;

		for (size_t i = 0; i < words->n; i++) {
			size_t len = strlen(filter_keys[k]);

			if (strncmp(words->v[i], filter_keys[k], len) != 0 ||
			    words->v[i][len] != '=')
				continue;
			seen = true;
			if (fits(e, filter_keys[k], words->v[i] + len + 1, ids->v[i]))
				any = true;
			else
				all = false;
		}
		if (seen && !(strcmp(filter_keys[k], "label") == 0 ? all : any))
			return false;
	}
	return true;
}

/* --- output --- */

/* "2026-01-02 15:04:05.123456789 +0100 CET" */
static int add_time(struct buf *out, int64_t ns)
{
	time_t s = (time_t)(ns / 1000000000);
	char day[32], zone[64];
	struct tm tm;

	if (!localtime_r(&s, &tm))
		return -ERANGE;
	(void)strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
	(void)strftime(zone, sizeof(zone), "%z %Z", &tm);
	return buf_printf(out, "%s.%09lld %s", day, (long long)(ns % 1000000000), zone);
}

static int add_details(struct buf *out, const json_t *e)
{
	const char *health = str(e, "HealthStatus"), *key;
	json_t *v;
	int r = buf_printf(out, " (image=%s, name=%s", str(e, "Image"), str(e, "Name"));

	if (r == 0 && *health)
		r = buf_printf(out, ", health_status=%s", health);
	json_object_foreach (json_object_get(e, "Attributes"), key, v)
		if (r == 0)
			r = buf_printf(out, ", %s=%s", key, json_string_value(v));
	return r == 0 ? buf_str(out, ")") : r;
}

/* The line for people; names and labels are from strangers: no control bytes, one line. */
static int add_text(struct printer *p, const json_t *e)
{
	const char *type = str(e, "Type"), *id = str(e, "ID");
	struct buf line = { 0 };
	int r = add_time(&line, json_integer_value(json_object_get(e, "timeNano")));

	if (r == 0)
		r = buf_printf(&line, " %s %s", type, str(e, "Status"));
	if (r == 0 && *id)
		r = buf_printf(&line, " %.*s", p->o->no_trunc ? 128 : 12, id);
	if (r == 0 && strcmp(type, "container") == 0)
		r = add_details(&line, e);
	else if (r == 0 && *str(e, "Name"))
		r = buf_printf(&line, " %s", str(e, "Name"));
	if (r == 0) {
		log_clean(line.data);
		r = buf_printf(&p->out, "%s\n", line.data);
	}
	buf_done(&line);
	return r < 0 ? rl_oom(p->err) : 0;
}

/* Docker's names for some of it, and its own word for what happened */
static int add_docker_words(json_t *o)
{
	static const char *const words[][2] = { { "died", "die" }, { "remove", "destroy" } };
	const char *did = str(o, "Status"), *image = str(o, "Image");
	auto_free char *health = NULL;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(did, words[i][0]) == 0)
			did = words[i][1];
	if (strcmp(did, "health_status") == 0) {
		health = str_printf("%s: %s", did, str(o, "HealthStatus"));
		did = health ? health : did;
	}
	return json_object_update_new(o, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Action",
						   did, "From", image, "Scope", "local", "status",
						   did, "id", str(o, "ID"), "from", image, "scope",
						   "local"));
}

/* What templates may ask for besides the keys of the log: all fields, and Docker's names. */
static json_t *template_row(const json_t *e)
{
	static const char *const texts[] = { "ID",           "Name",  "Image",  "PodID",
					     "HealthStatus", "Error", "Network" };
	json_t *o = json_deep_copy(e), *attributes;
	int r = o ? 0 : -1;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++)
		if (!json_object_get(o, texts[i]))
			r = json_object_set_new(o, texts[i], json_string(""));
	if (r == 0 && !json_object_get(o, "Attributes"))
		r = json_object_set_new(o, "Attributes", json_object());
	if (r == 0 && !json_object_get(o, "ContainerExitCode"))
		r = json_object_set_new(o, "ContainerExitCode", json_null());
	attributes = r == 0 ? json_deep_copy(json_object_get(o, "Attributes")) : NULL;
	if (r == 0)
		r = json_object_set_new(attributes, "name", json_string(str(o, "Name")));
	if (r == 0 && *str(o, "Image"))
		r = json_object_set_new(attributes, "image", json_string(str(o, "Image")));
	if (r == 0 && json_is_integer(json_object_get(o, "ContainerExitCode")))
		r = json_object_set_new(attributes, "exitCode",
					json_sprintf("%d", (int)json_integer_value(json_object_get(
								   o, "ContainerExitCode"))));
	if (r == 0)
		r = json_object_set_new(
			o, "Actor",
			json_pack("{s:s, s:O}", "ID", str(o, "ID"), "Attributes", attributes));
	json_decref(attributes);
	if (r == 0)
		r = add_docker_words(o);
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int add_formatted(struct printer *p, const json_t *e)
{
	static const char *const maps[] = { "Attributes", NULL };
	const struct format f = { .text = p->o->format, .map_names = maps };
	json_auto_t *row = NULL, *rows = NULL;
	auto_free char *text = NULL;

	if (!format_is_json(f.text)) {
		row = template_row(e);
		rows = json_pack("[O]", row);
		return rows ? format_rows(&f, rows, &p->out, p->err) : rl_oom(p->err);
	}
	text = json_dumps(e, JSON_COMPACT);
	return !text || buf_printf(&p->out, "%s\n", text) < 0 ? rl_oom(p->err) : 0;
}

static int print_event(json_t *e, void *arg)
{
	struct printer *p = arg;
	int64_t ns = json_integer_value(json_object_get(e, "timeNano"));
	int r;

	if (ns > p->until_ns)
		p->after = true;
	if (ns < p->since_ns || ns > p->until_ns || !passes(&p->o->filter, &p->ids, e))
		return 0;
	(void)json_object_del(e, "v"); /* the log's affair */
	if (json_object_set_new(e, "time", json_integer(ns / 1000000000)) < 0)
		return rl_oom(p->err);
	r = p->o->format ? add_formatted(p, e) : add_text(p, e);
	if (r == 0 && p->out.len > 0)
		r = format_print(&p->out, p->err);
	p->out.len = 0;
	return r;
}

static int follow(struct printer *p, struct events_tail *t)
{
	auto_waiting struct waiting w = { 0 };
	int r = events_tail_read(t, print_event, p, p->err);

	if (p->since_ns <= p->began_ns)
		p->since_ns =
			INT64_MIN; /* what comes now is new, also when the clock is set back */
	waiting_begin(&w, "events, until %s", p->until_ns == INT64_MAX ? "ctrl-c" : p->o->until);
	while (r == 0 && t->watch >= 0 && !p->after) {
		int left = when_left_ms(&p->end);

		if (left == 0)
			break; /* what came in the last moment was read just now */
		r = events_tail_wait(t, left, p->err);
		if (r == -ETIMEDOUT)
			r = 0;
		if (r == 0)
			r = events_tail_read(t, print_event, p, p->err);
	}
	return r == -EPIPE ? 0 : r; /* who reads us has seen enough */
}

static int events_run(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	struct events_opts asked = *(const struct events_opts *)opts, *o = &asked;
	struct printer p = { .o = o, .since_ns = INT64_MIN, .until_ns = INT64_MAX, .err = err };
	struct events_tail tail;
	int64_t now = wall_ns();
	json_auto_t *none = json_array();
	int r = check_filters(&o->filter, err);

	(void)args;
	asked.format = format_asked(asked.format);
	if (r == 0 && o->format)
		r = format_rows(&(struct format){ .text = o->format }, none, &p.out, err);
	p.out.len = 0;
	if (o->stream && !o->since && !o->until)
		p.since_ns = now;
	if (r == 0 && o->since)
		r = when_parse(o->since, now, &p.since_ns, err);
	if (r == 0 && o->until)
		r = when_parse(o->until, now, &p.until_ns, err);
	p.began_ns = now;
	p.end = when_end(p.until_ns);
	if (r == 0 && find_ids(rl, &o->filter, &p.ids) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = events_tail_open(rl, o->stream && p.until_ns > now, &tail, err);
	if (r == 0) {
		r = follow(&p, &tail);
		events_tail_close(&tail);
	}
	strv_done(&p.ids);
	buf_done(&p.out);
	return r;
}

const struct cmd cmd_events = {
	.name = "events",
	.summary = "Print or follow what happens to containers, images and volumes",
	.about = "Every command writes what it did into a log that is kept within 2 MiB. "
		 "Without options new events are printed as they come, until Ctrl-C. "
		 "With --since or --until the log is printed first; --until a time that is "
		 "past, and --stream=false, end the command after that.\n\n"
		 "Filters: container, image, volume, network, pod and secret take a name or an "
		 "id, event (or status) what happened, by its name here or Docker's ('die' is "
		 "died, 'destroy' remove), type a kind of "
		 "object, label KEY or KEY=VALUE. The same key given again: either; labels and "
		 "different keys: all.",
	.examples = {
		{ "rl events --since 1h --stream=false",
		  "What happened within the last hour." },
		{ "rl events --filter event=died --format '{{.Name}} {{.ContainerExitCode}}'",
		  "A line for each container that ends, as it ends." },
	},
	.options = events_options,
	.defaults = &(const struct events_opts){ .stream = true, .no_trunc = true },
	.opts_size = sizeof(struct events_opts),
	.run = events_run,
};
