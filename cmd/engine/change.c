/* SPDX-License-Identifier: Apache-2.0 */
/* change.c - one line that changes an image config; the header is the manual */
#include "config.h"

#include "cmd/engine/change.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/base/strv.h"

static int set(json_t *o, const char *key, json_t *take, struct rl_err *err)
{
	if (!take)
		return rl_fail(err, EINVAL, "'%s' is not UTF-8", key);
	return json_object_set_new(o, key, take) < 0 ? rl_oom(err) : 0;
}

/* Words between blanks; quotes and backslashes as a shell has them. */
static int split_words(const char *s, struct strv *ret, struct rl_err *err)
{
	auto_buf struct buf word = { 0 };
	char quote = 0;
	bool open = false;

	for (;; s++) {
		int r = 0;

		if (*s == '\0' || (!quote && strchr(" \t", *s))) {
			if (*s == '\0' && quote)
				return rl_fail(err, EINVAL, "a quote is not closed");
			if (open && strv_take(ret, buf_take(&word)) < 0)
				return rl_oom(err);
			open = false;
			if (*s == '\0')
				return 0;
			continue;
		}
		open = true;
		if (!quote && strchr("'\"", *s))
			quote = *s;
		else if (quote && *s == quote)
			quote = 0;
		else if (*s == '\\' && s[1] && quote != '\'')
			r = buf_add(&word, ++s, 1);
		else
			r = buf_add(&word, s, 1);
		if (r < 0)
			return rl_oom(err);
	}
}

/* "["a", "b"]", or NULL when it is no such list */
static json_t *as_list(const char *s)
{
	struct rl_err ignored;
	json_t *j = NULL;

	if (*s != '[' || json_read(s, strlen(s), CHANGE_MAX, "list", &j, &ignored) < 0)
		return NULL;
	if (json_is_array(j) && json_check_strings(j, "list", &ignored) == 0)
		return j;
	json_decref(j);
	return NULL;
}

static int set_command(json_t *config, const char *key, const char *v, struct rl_err *err)
{
	json_t *list = as_list(v);

	if (!list)
		list = *v ? json_pack("[s, s, s]", "/bin/sh", "-c", v) : json_array();
	return set(config, key, list, err);
}

/* The object @key of @config, made if it is missing; borrowed. */
static json_t *object(json_t *config, const char *key)
{
	json_t *o = json_object_get(config, key);

	if (json_is_object(o))
		return o;
	o = json_object();
	return json_object_set_new(config, key, o) < 0 ? NULL : o;
}

/* A set: each of the words becomes a key with an empty object. */
static int add_keys(json_t *config, const char *key, const struct strv *words, struct rl_err *err)
{
	json_t *o = object(config, key);

	if (!o)
		return rl_oom(err);
	for (size_t i = 0; i < words->n; i++) {
		int r = set(o, words->v[i], json_object(), err);

		if (r < 0)
			return r;
	}
	return words->n ? 0 : rl_fail(err, EINVAL, "a value is missing");
}

static int set_volumes(json_t *config, const char *v, struct rl_err *err)
{
	auto_strv struct strv words = { 0 };
	json_auto_t *list = as_list(v);
	int r = list ? 0 : split_words(v, &words, err);

	for (size_t i = 0; list && i < json_array_size(list); i++)
		if (strv_add(&words, json_string_value(json_array_get(list, i))) < 0)
			return rl_oom(err);
	for (size_t i = 0; r == 0 && i < words.n; i++)
		if (*words.v[i] != '/')
			r = rl_fail(err, EINVAL, "'%.200s' is not an absolute path", words.v[i]);
	return r < 0 ? r : add_keys(config, "Volumes", &words, err);
}

static int set_ports(json_t *config, const char *v, struct rl_err *err)
{
	auto_strv struct strv words = { 0 }, ports = { 0 };
	int r = split_words(v, &words, err);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		const char *slash = strchrnul(words.v[i], '/');
		auto_free char *number = strndup(words.v[i], (size_t)(slash - words.v[i]));
		uint64_t port;

		if (!number)
			return rl_oom(err);
		if (parse_uint(number, 65535, &port) < 0 || port == 0 ||
		    (*slash && strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0 &&
		     strcmp(slash, "/sctp") != 0))
			return rl_fail(err, EINVAL, "'%.100s' is not a port such as 80/tcp",
				       words.v[i]);
		if (strv_take(&ports, str_printf("%s%s", number, *slash ? slash : "/tcp")) < 0)
			return rl_oom(err);
	}
	return r < 0 ? r : add_keys(config, "ExposedPorts", &ports, err);
}

/* "K=V K2=V2", or the old "K V V" */
static int split_pairs(const char *v, struct strv *pairs, struct rl_err *err)
{
	const size_t n = strcspn(v, " \t=");

	if (n == 0)
		return rl_fail(err, EINVAL, "a name is missing");
	if (v[n] != '=') {
		const char *rest = v + n + strspn(v + n, " \t");

		if (!*rest)
			return rl_fail(err, EINVAL, "'%.200s' has no value", v);
		return strv_take(pairs, str_printf("%.*s=%s", (int)n, v, rest)) < 0 ? rl_oom(err)
										    : 0;
	}
	if (split_words(v, pairs, err) < 0)
		return -err->code;
	for (size_t i = 0; i < pairs->n; i++)
		if (!strchr(pairs->v[i], '=') || *pairs->v[i] == '=')
			return rl_fail(err, EINVAL, "'%.200s' is not NAME=VALUE", pairs->v[i]);
	return 0;
}

static int set_env(json_t *config, const char *v, struct rl_err *err)
{
	auto_strv struct strv pairs = { 0 }, env = { 0 };
	const json_t *old = json_object_get(config, "Env");
	json_t *list = json_array();
	int r = split_pairs(v, &pairs, err), bad = !list;

	for (size_t i = 0; i < json_array_size(old); i++) {
		const char *s = json_string_value(json_array_get(old, i));

		bad |= s && strv_add(&env, s) < 0;
	}
	for (size_t i = 0; r == 0 && i < pairs.n; i++)
		bad |= strv_setenv(&env, pairs.v[i]) < 0;
	for (size_t i = 0; r == 0 && i < env.n; i++)
		bad |= json_array_append_new(list, json_string(env.v[i])) < 0;
	if (r == 0 && bad)
		r = rl_fail(err, EINVAL, "the environment is not UTF-8");
	if (r == 0)
		return set(config, "Env", list, err);
	json_decref(list);
	return r;
}

static int set_labels(json_t *config, const char *v, struct rl_err *err)
{
	auto_strv struct strv pairs = { 0 };
	json_t *o = object(config, "Labels");
	int r = o ? split_pairs(v, &pairs, err) : rl_oom(err);

	for (size_t i = 0; r == 0 && i < pairs.n; i++) {
		char *eq = strchr(pairs.v[i], '=');

		*eq = '\0';
		r = set(o, pairs.v[i], json_string(eq + 1), err);
	}
	return r;
}

static int set_word(json_t *config, const char *key, const char *v, struct rl_err *err)
{
	int signo;

	if (!*v)
		return rl_fail(err, EINVAL, "a value is missing");
	if (strcmp(key, "StopSignal") == 0 && parse_signal(v, &signo) < 0)
		return rl_fail(err, EINVAL, "'%.40s' is no signal", v);
	return set(config, key, json_string(v), err);
}

/* A path that is not absolute goes on from the last one. */
static int set_workdir(json_t *config, const char *v, struct rl_err *err)
{
	const char *old = json_string_value(json_object_get(config, "WorkingDir"));
	auto_free char *path = *v == '/' ? strdup(v) : str_printf("%s/%s", old ? old : "", v);

	if (!*v)
		return rl_fail(err, EINVAL, "a value is missing");
	return path ? set(config, "WorkingDir", json_string(path), err) : rl_oom(err);
}

static int add_trigger(json_t *config, const char *v, struct rl_err *err)
{
	json_t *list = json_object_get(config, "OnBuild");

	if (!json_is_array(list)) {
		list = json_array();
		if (json_object_set_new(config, "OnBuild", list) < 0)
			return rl_oom(err);
	}
	return json_array_append_new(list, json_string(v)) < 0
		       ? rl_fail(err, EINVAL, "'ONBUILD' is not UTF-8")
		       : 0;
}

static int apply(json_t *config, const char *word, const char *v, struct rl_err *err)
{
	if (strcasecmp(word, "CMD") == 0)
		return set_command(config, "Cmd", v, err);
	if (strcasecmp(word, "ENTRYPOINT") == 0)
		return set_command(config, "Entrypoint", v, err);
	if (strcasecmp(word, "ENV") == 0)
		return set_env(config, v, err);
	if (strcasecmp(word, "EXPOSE") == 0)
		return set_ports(config, v, err);
	if (strcasecmp(word, "LABEL") == 0)
		return set_labels(config, v, err);
	if (strcasecmp(word, "ONBUILD") == 0)
		return add_trigger(config, v, err);
	if (strcasecmp(word, "STOPSIGNAL") == 0)
		return set_word(config, "StopSignal", v, err);
	if (strcasecmp(word, "USER") == 0)
		return set_word(config, "User", v, err);
	if (strcasecmp(word, "VOLUME") == 0)
		return set_volumes(config, v, err);
	if (strcasecmp(word, "WORKDIR") == 0)
		return set_workdir(config, v, err);
	rl_fail(err, EINVAL, "'%.40s' is no instruction that can be given here", word);
	return rl_hint(err,
		       "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME "
		       "and WORKDIR can");
}

int change_apply(json_t *config, const char *line, struct rl_err *err)
{
	const char *start = line + strspn(line, " \t");
	const size_t n = strcspn(start, " \t=");
	auto_free char *word = strndup(start, n), *value = NULL;
	size_t len;

	if (strlen(line) > CHANGE_MAX)
		return rl_fail(err, EINVAL, "'--change' is longer than %d bytes", CHANGE_MAX);
	start += n + (start[n] != '\0');
	start += strspn(start, " \t");
	value = strdup(start);
	if (!word || !value)
		return rl_oom(err);
	for (len = strlen(value); len > 0 && strchr(" \t\r\n", value[len - 1]); len--)
		value[len - 1] = '\0';
	return apply(config, word, value, err) < 0 ? rl_wrap(err, "--change '%.100s'", line) : 0;
}
