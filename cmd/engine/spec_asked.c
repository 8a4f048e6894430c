/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_asked.c - what was asked for, in the user's own words, for those who look at it later
 *
 * The runtime spec says what a container gets; that "-v" was "./src:/app:z" or that the network
 * was called "bridge" it does not say. This object does ("asked" in state.json): only keys that
 * were given are in it. Nothing that runs depends on it. Secrets are left out.
 */
#include "config.h"

#include <string.h>

#include "cmd/engine/container.h"
#include "cmd/engine/spec_parts.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"

/* A word of the command line; what is not UTF-8 cannot be recorded as it is. */
static json_t *word(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("(not UTF-8)");
}

static int put_list(json_t *o, const char *key, const struct strv *l)
{
	json_t *a;
	int bad = 0;

	if (l->n == 0)
		return 0;
	a = json_array();
	for (size_t i = 0; i < l->n; i++)
		bad |= json_array_append_new(a, word(l->v[i]));
	return bad | json_object_set_new(o, key, a);
}

static int put_word(json_t *o, const char *key, const char *s)
{
	return s ? json_object_set_new(o, key, word(s)) : 0;
}

static int put_number(json_t *o, const char *key, int64_t v)
{
	return v ? json_object_set_new(o, key, json_integer(v)) : 0;
}

static int put_true(json_t *o, const char *key, bool v)
{
	return v ? json_object_set_new(o, key, json_true()) : 0;
}

/* The command line; a password (--creds USER:PASSWORD) is no part of the record. */
static json_t *command(const struct create_req *q)
{
	json_t *a = json_array();
	bool hide = false;
	int bad = 0;

	for (size_t i = 0; i < q->n_line; i++) {
		const char *s = q->line[i];

		if (strncmp(s, "--creds=", 8) == 0)
			s = "--creds=***";
		bad |= json_array_append_new(a, word(hide ? "***" : s));
		hide = strcmp(s, "--creds") == 0;
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

/* A folder typed relative to where the user was means nothing later on. */
static int put_binds(json_t *o, const struct strv *l)
{
	json_t *a;
	int bad = 0;

	if (l->n == 0)
		return 0;
	a = json_array();
	for (size_t i = 0; i < l->n; i++) {
		const char *w = l->v[i], *colon = *w == '.' ? strchr(w, ':') : NULL;
		auto_free char *from = colon ? strndup(w, (size_t)(colon - w)) : NULL;
		auto_free char *real = from ? realpath(from, NULL) : NULL;
		auto_free char *text = real ? str_printf("%s%s", real, colon) : NULL;

		bad |= json_array_append_new(a, word(text ? text : w));
	}
	return bad | json_object_set_new(o, "binds", a);
}

static int lists(const struct create_req *q, json_t *o)
{
	int bad = put_binds(o, &q->volume);

	bad |= put_list(o, "tmpfs", &q->tmpfs);
	bad |= put_list(o, "cap_add", &q->cap_add);
	bad |= put_list(o, "cap_drop", &q->cap_drop);
	bad |= put_list(o, "security_opt", &q->security_opt);
	bad |= put_list(o, "group_add", &q->group_add);
	bad |= put_list(o, "secrets", &q->secret); /* where they come from, not what they are */
	bad |= put_list(o, "add_host", &q->add_host);
	bad |= put_list(o, "dns", &q->dns);
	bad |= put_list(o, "dns_search", &q->dns_search);
	bad |= put_list(o, "dns_option", &q->dns_option);
	return bad | put_list(o, "devices", &q->device);
}

/* The name of another container may be given to a third one: its id stays. */
static int put_mode(json_t *o, const char *key, const char *mode, const struct spec_ctx *x)
{
	if (!mode || strncmp(mode, "container:", 10) != 0 || !x->other)
		return put_word(o, key, mode);
	return json_object_set_new(o, key, json_sprintf("container:%s", x->other->ctr.id));
}

static int words(const struct spec_ctx *x, json_t *o)
{
	const struct create_req *q = x->req;
	int bad = put_word(o, "network", x->network ? x->network : q->network);

	bad |= put_word(o, "userns", q->userns);
	bad |= put_true(o, "me", q->me);
	bad |= put_mode(o, "pid", q->pid, x);
	bad |= put_mode(o, "ipc", q->ipc, x);
	bad |= put_mode(o, "uts", q->uts, x);
	bad |= put_word(o, "cgroupns", q->cgroupns);
	bad |= put_word(o, "user", q->user);
	bad |= put_word(o, "cidfile", q->cidfile);
	bad |= put_word(o, "tz", q->tz);
	bad |= put_word(o, "sdnotify", q->sdnotify);
	bad |= put_number(o, "cpu_shares", (int64_t)q->cpu_shares);
	bad |= put_true(o, "privileged", q->privileged);
	bad |= put_true(o, "nested", q->nested);
	bad |= put_true(o, "hardened", q->hardened);
	bad |= put_true(o, "no_hosts", q->no_hosts);
	return bad | put_true(o, "no_hostname", q->no_hostname);
}

int spec_make_asked(struct spec_ctx *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	json_t *o = json_object();
	int bad;

	x->out->asked = o;
	bad = lists(q, o) | words(x, o);
	if (q->n_line > 0)
		bad |= json_object_set_new(o, "command", command(q));
	/* how many of the arguments are the entrypoint's; the others are the command */
	bad |= put_number(o, "entry_args", (int64_t)x->entry_args);
	return bad ? rl_oom(err) : 0;
}
