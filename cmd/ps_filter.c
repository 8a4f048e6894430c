/* SPDX-License-Identifier: Apache-2.0 */
/* ps_filter.c - which containers a list shows; the header is the manual */
#include "config.h"

#include "cmd/ps_filter.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/ctr_view.h"
#include "cmd/filter.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "core/base/when.h"
#include "core/ctr_state.h"
#include "core/restart.h"
#include "net/endpoint.h"

enum key {
	K_ID,
	K_NAME,
	K_LABEL,
	K_NOT_LABEL,
	K_EXITED,
	K_STATUS,
	K_ANCESTOR,
	K_BEFORE,
	K_SINCE,
	K_UNTIL,
	K_NETWORK,
	K_VOLUME,
	K_HEALTH,
	K_POD,
	K_RESTART,
	K_COMMAND,
	K_BOOT,
	K_PUBLISH,
	K_EXPOSE,
	KEYS
};

static const char *const key_names[KEYS + 1] = {
	"id",
	"name",
	"label",
	"label!",
	"exited",
	"status",
	"ancestor",
	"before",
	"since",
	"until",
	"network",
	"volume",
	"health",
	"pod",
	"restart-policy",
	"command",
	"should-start-on-boot",
	"publish",
	"expose",
};

/* When was container @name made? */
static int created_of(const struct rl *rl, const char *name, int64_t *ret, struct rl_err *err)
{
	json_auto_t *j = NULL;
	struct ctr c;
	const char *s = NULL;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	r = json_read_file(c.dir_fd, "state.json", 8U << 20, &j, err);
	ctr_done(&c);
	if (r == 0)
		r = json_get_str(j, "created", "state.json", &s, err);
	if (r == 0 && (!s || time_parse_rfc3339(s, ret) < 0))
		r = rl_fail(err, EINVAL, "the record of '%s' has no time", name);
	return r;
}

/* "80", "80/udp", "80-90/tcp" */
struct port_words {
	uint64_t first, last;
	const char *protocol;
};

static int read_ports(const char *s, struct port_words *ret)
{
	size_t n = strcspn(s, "/"), dash = strcspn(s, "-/");
	auto_free char *first = strndup(s, dash),
		       *last = dash < n ? strndup(s + dash + 1, n - dash - 1) : NULL;

	ret->protocol = s[n] ? s + n + 1 : "tcp";
	if (!first || parse_uint(first, UINT16_MAX, &ret->first) < 0)
		return -EINVAL;
	ret->last = ret->first;
	return last && parse_uint(last, UINT16_MAX, &ret->last) < 0 ? -EINVAL : 0;
}

static int check_value(const struct filter_kind *k, const struct rl *rl, struct filter *f,
		       struct rl_err *err)
{
	static const char *const states[] = { "created",    "initialized", "running", "paused",
					      "stopping",   "stopped",     "exited",  "removing",
					      "restarting", "dead",        "unknown" };
	static const char *const healths[] = { "healthy", "unhealthy", "starting", "none" };
	static const char *const policies[] = { "no", "none", "always", "on-failure",
						"unless-stopped" };
	struct port_words ports;
	int64_t code;

	switch ((enum key)f->key) {
	case K_ID: /* a start of an id, as in Docker, or an expression, as in Podman */
		return f->value[strspn(f->value, "0123456789abcdefABCDEF")]
			       ? filter_regex(k, f, err)
			       : 0;
	case K_NAME:
		return filter_regex(k, f, err);
	case K_EXITED:
		return parse_int(f->value, INT32_MIN, INT32_MAX, &code) < 0
			       ? rl_fail(err, EINVAL, "filter exited: '%s' is no number", f->value)
			       : 0;
	case K_STATUS:
		return filter_word(k, f, states, ARRAY_LEN(states), "state of a container", err);
	case K_BEFORE:
	case K_SINCE:
		return created_of(rl, f->value, &f->ns, err);
	case K_UNTIL:
		return when_parse(f->value, wall_ns(), &f->ns, err);
	case K_HEALTH:
		return filter_word(k, f, healths, ARRAY_LEN(healths), "state of health", err);
	case K_RESTART:
		return filter_word(k, f, policies, ARRAY_LEN(policies), "restart policy", err);
	case K_BOOT:
		return filter_bool(k, f, err);
	case K_PUBLISH:
	case K_EXPOSE:
		return read_ports(f->value, &ports) == 0
			       ? 0
			       : rl_fail(err, EINVAL,
					 "filter %s: '%s' is no port such as 80, 80/udp or 80-90",
					 key_names[f->key], f->value);
	case K_LABEL:
	case K_NOT_LABEL:
	case K_ANCESTOR:
	case K_NETWORK:
	case K_VOLUME:
	case K_POD:
	case K_COMMAND:
	case KEYS:
		break;
	}
	return 0;
}

static const struct filter_kind kind = { "containers", key_names, 1U << K_LABEL | 1U << K_NOT_LABEL,
					 check_value };

int ps_filters_new(const struct rl *rl, const struct strv *words, struct filters *ret,
		   struct rl_err *err)
{
	return filters_new(&kind, rl, words, ret, err);
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static const json_t *record(const json_t *row, const char *key)
{
	return json_object_get(json_object_get(row, "Record"), key);
}

/* An image as it was typed, without its tag, or by (the start of) its id */
static bool is_ancestor(const json_t *row, const char *want)
{
	const char *image = str(row, "Image"), *id = str(row, "ImageID");
	size_t n = strlen(want);

	if (strcmp(str(record(row, "asked"), "image_ref"), want) == 0 || strcmp(image, want) == 0 ||
	    (strncmp(image, want, n) == 0 && image[n] == ':'))
		return true;
	return n >= 3 && strncmp(id, want, n) == 0;
}

static bool is_network(const json_t *row, const char *want)
{
	const char *typed = str(record(row, "asked"), "network");
	const char *mode = json_string_value(record(row, "net"));

	const json_t *name;
	size_t i;

	json_array_foreach (json_object_get(row, "Networks"), i, name) {
		if (strcmp(json_string_value(name), want) == 0)
			return true;
	}
	return (!endpoint_is_named(typed) && strcmp(typed, want) == 0) ||
	       (mode && strcmp(mode, want) == 0);
}

/* A volume's name, a place in the container, or a folder of the host that is bound */
static bool has_volume(const json_t *row, const char *want)
{
	const json_t *o;
	size_t i, n = strlen(want);

	json_array_foreach (record(row, "volumes"), i, o) {
		if (strcmp(str(o, "name"), want) == 0)
			return true;
	}
	json_array_foreach (record(row, "mounts"), i, o) {
		const char *s = json_string_value(o);

		if (s && strcmp(s, want) == 0)
			return true;
	}
	json_array_foreach (json_object_get(record(row, "asked"), "binds"), i, o) {
		const char *s = json_string_value(o);

		if (s && strncmp(s, want, n) == 0 && s[n] == ':')
			return true;
	}
	return false;
}

/* "on-failure:3" without the number */
static const char *policy_of(const json_t *row)
{
	struct restart_policy p = { RESTART_NO, 0 };
	struct rl_err ignored;

	RL_IGNORE(restart_parse(json_string_value(record(row, "restart")), &p, &ignored));
	return restart_name(p.kind);
}

static bool is_command(const json_t *row, const char *want)
{
	const char *s = json_string_value(json_array_get(record(row, "args"), 0));

	return s && strcmp(s, want) == 0;
}

/* Docker's: "publish" means the host's port or the container's, "expose" the container's. */
static bool has_port(const json_t *row, const char *want, bool published)
{
	const json_t *ports = record(row, "ports");
	struct port_words w;
	struct port_range p;

	if (read_ports(want, &w) < 0)
		return false;
	for (size_t i = 0; i < json_array_size(ports); i++) {
		if (!ctr_view_port(ports, i, &p) || strcmp(p.protocol, w.protocol) != 0)
			continue;
		for (uint64_t k = 0; k < (uint64_t)p.range; k++) {
			uint64_t inside = (uint64_t)p.container_port + k,
				 outside = (uint64_t)p.host_port + k;

			if ((inside >= w.first && inside <= w.last) ||
			    (published && outside >= w.first && outside <= w.last))
				return true;
		}
	}
	return false;
}

/* Docker's names begin with a slash, and scripts ask for "^/web$". */
static bool is_name(const json_t *row, const struct filter *f)
{
	const char *name = json_string_value(json_array_get(json_object_get(row, "Names"), 0));
	char slashed[CTR_NAME_MAX + 2];

	if (regexec(&f->re, name ? name : "", 0, NULL, 0) == 0)
		return true;
	(void)snprintf(slashed, sizeof(slashed), "/%s", name ? name : "");
	return strchr(f->value, '/') && regexec(&f->re, slashed, 0, NULL, 0) == 0;
}

static bool one(const struct filter *f, const void *arg)
{
	const json_t *row = arg;
	int64_t created = json_integer_value(json_object_get(row, "CreatedNs"));
	int64_t code = 0;
	const char *state = str(row, "State");

	switch ((enum key)f->key) {
	case K_ID:
		return f->has_re ? regexec(&f->re, str(row, "Id"), 0, NULL, 0) == 0
				 : strncasecmp(str(row, "Id"), f->value, strlen(f->value)) == 0;
	case K_NAME:
		return is_name(row, f);
	case K_LABEL:
		return filter_has_pair(json_object_get(row, "Labels"), f->value);
	case K_NOT_LABEL:
		return !filter_has_pair(json_object_get(row, "Labels"), f->value);
	case K_EXITED:
		return parse_int(f->value, INT32_MIN, INT32_MAX, &code) == 0 &&
		       strcmp(state, "exited") == 0 &&
		       json_integer_value(json_object_get(row, "ExitCode")) == code;
	case K_STATUS:
		return strcmp(state, f->value) == 0 ||
		       (strcmp(f->value, "stopped") == 0 && strcmp(state, "exited") == 0);
	case K_ANCESTOR:
		return is_ancestor(row, f->value);
	case K_BEFORE:
		return created < f->ns;
	case K_SINCE:
		return created > f->ns;
	case K_UNTIL:
		return created <= f->ns;
	case K_NETWORK:
		return is_network(row, f->value);
	case K_VOLUME:
		return has_volume(row, f->value);
	case K_HEALTH:
		return strcmp(*str(row, "Health") ? str(row, "Health") : "none", f->value) == 0;
	case K_POD:
		return false; /* there are none */
	case K_RESTART:
		return strcmp(policy_of(row), strcmp(f->value, "none") == 0 ? "no" : f->value) == 0;
	case K_COMMAND:
		return is_command(row, f->value);
	case K_BOOT:
		return f->yes == (strcmp(policy_of(row), "always") == 0 ||
				  strcmp(policy_of(row), "unless-stopped") == 0);
	case K_PUBLISH:
		return has_port(row, f->value, true);
	case K_EXPOSE:
		return has_port(row, f->value, false);
	case KEYS:
		break;
	}
	return false;
}

bool ps_filters_match(const struct filters *f, const json_t *row)
{
	return filters_match(&kind, f, one, row);
}

bool ps_filters_want_all(const struct filters *f)
{
	return filters_have(f, K_STATUS) || filters_have(f, K_EXITED);
}
