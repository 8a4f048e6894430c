/* SPDX-License-Identifier: Apache-2.0 */
/* secret_ls.c - `rl secret ls`, `inspect` and `exists`: what secrets there are, never what is in them
 * unless that is asked for */
#include "config.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/filter.h"
#include "cmd/format.h"
#include "cmd/listing.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/secret.h"

struct ls_opts {
	struct listing_opts l;
};

static const struct opt ls_options[] = {
	LISTING_OPTIONS(struct ls_opts, "only ids"),
	OPT_END,
};

enum key { K_NAME, K_ID, KEYS };
static const char *const key_names[KEYS + 1] = { "name", "id" };
static const char *const map_names[] = { "Labels", "Options", NULL };

static int check_value(const struct filter_kind *k, const struct rl *rl, struct filter *f,
		       struct rl_err *err)
{
	(void)rl;
	return f->key == K_NAME ? filter_regex(k, f, err) : 0;
}

static const struct listing listing = {
	"{{.ID}}", "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}",
	map_names
};
static const struct filter_kind kind = { "secrets", key_names, 0, check_value };

static bool match(const struct filter *f, const void *arg)
{
	const struct secret *s = arg;

	return f->key == K_NAME ? regexec(&f->re, s->name, 0, NULL, 0) == 0
				: strncmp(s->id, f->value, strlen(f->value)) == 0;
}

static json_t *row(const struct secret *s)
{
	char created[FORMAT_TEXT_MAX], updated[FORMAT_TEXT_MAX];

	format_age(created, wall_ns() - s->created_ns);
	format_age(updated, wall_ns() - s->updated_ns);
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "ID", s->id, "Name", s->name, "Driver",
			 "file", "CreatedAt", json_sprintf("%s ago", created), "UpdatedAt",
			 json_sprintf("%s ago", updated));
}

static int collect(const struct rl *rl, const struct filters *f, json_t *list, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = secret_list(rl, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		auto_secret struct secret s = { 0 };
		struct rl_err why = { 0 };

		if (secret_load(rl, names.v[i], false, &s, &why) < 0) {
			if (why.code != ENOENT) /* else it went just now */
				log_warn("secret '%s' is left out: %s", names.v[i], why.msg);
		} else if (filters_match(&kind, f, match, &s) &&
			   json_array_append_new(list, row(&s)) < 0) {
			r = rl_oom(err);
		}
	}
	return r;
}

static int secret_ls(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	const struct ls_opts *o = opts;
	json_auto_t *list = json_array();
	json_auto_t *heads =
		json_pack("{s:s, s:s}", "CreatedAt", "CREATED", "UpdatedAt", "UPDATED");
	auto_filters struct filters filters = { 0 };
	int r = listing_check(&o->l, err);

	(void)args;
	if (r == 0)
		r = filters_new(&kind, rl, &o->l.filters, &filters, err);
	if (r == 0)
		r = collect(rl, &filters, list, err);
	return r < 0 ? r : listing_print(&listing, &o->l, list, heads, err);
}

const struct cmd cmd_secret_ls = {
	.name = "secret ls",
	.args = "",
	.summary = "List secrets",
	.about = "Lists the names of all secrets, never what is in them. Filters are name=REGEX "
		 "and id=BEGINNING.",
	.examples = {
		{ "rl secret ls", "All." },
		{ "rl secret ls --format '{{.Name}}'", "Only names." },
	},
	.options = ls_options,
	.opts_size = sizeof(struct ls_opts),
	.run = secret_ls,
};

/* --- inspect --------------------------------------------------------------------------------- */

struct inspect_opts {
	const char *format;
	bool show, pretty;
};

static const struct opt inspect_options[] = {
	OPT_STR('f', "format", struct inspect_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL(0, "pretty", struct inspect_opts, pretty, "lines for people"),
	OPT_BOOL(0, "showsecret", struct inspect_opts, show, "with its content"),
	OPT_END,
};

static json_t *whole(const struct secret *s, bool show)
{
	char created[32], updated[32];
	json_t *j;

	time_rfc3339(created, s->created_ns);
	time_rfc3339(updated, s->updated_ns);
	j = json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s, s:{}}, s:O}}", "ID", s->id, "CreatedAt",
		      created, "UpdatedAt", updated, "Spec", "Name", s->name, "Driver", "Name",
		      "file", "Options", "Labels", s->labels);
	if (j && show) {
		json_t *v = json_stringn(s->data.data ? s->data.data : "", s->data.len);

		(void)json_object_set_new(j, "SecretData",
					  v ? v : json_string("(not UTF-8: see --secret)"));
	}
	return j;
}

static int add_secret(struct rl *rl, const char *word, bool show, json_t *list, struct rl_err *err)
{
	auto_secret struct secret s = { 0 };
	int r = secret_load(rl, word, show, &s, err);

	if (r < 0)
		return rl_wrap(err, "secret inspect '%s'", word);
	return json_array_append_new(list, whole(&s, show)) < 0 ? rl_oom(err) : 0;
}

#define PRETTY                                                                         \
	"ID:              {{.ID}}\nName:            {{.Spec.Name}}\nDriver:          " \
	"{{.Spec.Driver.Name}}\nCreated at:      {{.CreatedAt}}\nUpdated at:      {{.UpdatedAt}}"

static int secret_inspect(struct rl *rl, const struct cmd_args *args, const void *opts,
			  struct rl_err *err)
{
	const struct inspect_opts *o = opts;
	json_auto_t *list = json_array();
	auto_buf struct buf out = { 0 };
	struct format f = { .text = o->pretty ? PRETTY : o->format, .map_names = map_names };
	int status = 0, r = 0;

	if (o->pretty && o->format)
		return rl_fail(err, EINVAL, "'--pretty' and '--format' exclude each other");
	for (size_t i = 0; i < args->n; i++) {
		struct rl_err one = { 0 };

		if (add_secret(rl, args->v[i], o->show, list, &one) == 0)
			continue;
		cmd_report(rl, &one);
		status = EXIT_RL;
	}
	if (!f.text || format_is_json(f.text))
		r = format_json(list, &out, err);
	else if (json_array_size(list) > 0)
		r = format_rows(&f, list, &out, err);
	if (r == 0)
		r = format_print(&out, err);
	return r < 0 ? r : status;
}

const struct cmd cmd_secret_inspect = {
	.name = "secret inspect",
	.args = "SECRET...",
	.summary = "Describe secrets",
	.about = "Prints id, name, labels and times as JSON; the content only with --showsecret.",
	.examples = {
		{ "rl secret inspect db-password", "Describe one." },
		{ "rl secret inspect --showsecret -f '{{.SecretData}}' db-password",
		  "Its content, and nothing else." },
	},
	.options = inspect_options,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = secret_inspect,
};

static int secret_exists(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	auto_secret struct secret s = { 0 };
	int r = secret_load(rl, args->v[0], false, &s, err);

	(void)opts;
	return r == -ENOENT ? 1 : r;
}

const struct cmd cmd_secret_exists = {
	.name = "secret exists",
	.args = "SECRET",
	.summary = "Tell by the exit status whether a secret is known",
	.about = "Prints nothing; the exit status tells whether there is a secret of that name or "
		 "id.",
	.examples = {
		{ "rl secret exists db-password", "Is there a secret 'db-password'?" },
		{ "if rl secret exists token; then echo yes; fi", "The same in a script." },
	},
	.exits = { { "1", "There is no such secret." } },
	.min_args = 1,
	.max_args = 1,
	.run = secret_exists,
};
