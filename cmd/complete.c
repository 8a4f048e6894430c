/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complete.c - `rl __complete WORDS...`: what the last word could become, for the shells
 *
 * Theory of operation: the words are those behind "rl", the last one is being typed and may be
 * empty. Each line is a candidate (the whole word), a tab, and what it is. ":files" or ":dirs"
 * as a line asks the shell for its own. All comes from the tables: commands, their options, and
 * the names of words in struct cmd's @args and struct opt's @arg (CONTAINER, IMAGE, FILE, or
 * "always|never"). It only reads: nothing is healed, locked, fetched or made, nothing goes to
 * stderr, and whatever cannot be read is left out; a person at a prompt waits for this.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/help.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/capname.h"
#include "core/ctr_state.h"
#include "net/network.h"
#include "storage/image.h"
#include "storage/secret.h"
#include "storage/volume.h"

struct complete_opts {
	bool no_desc;
};

struct completion {
	struct rl rl;
	bool no_desc;
	bool is_open;       /* the folders of @rl */
	const char *root;   /* --root of the line */
	const char *before; /* of a value behind '=': "--format=", length below */
	int before_len;
	const char *typed; /* what is to be completed, without @before */
	const char *only;  /* struct cmd's @completes */
	struct buf out;
};

/* --- candidates -------------------------------------------------------------------------- */

static int offer(struct completion *c, const char *word, const char *after, const char *what)
{
	if (strncmp(word, c->typed, strlen(c->typed)) != 0)
		return 0;
	return buf_printf(&c->out, "%.*s%s%s%s%s\n", c->before_len, c->before ? c->before : "",
			  word, after, c->no_desc ? "" : "\t", c->no_desc ? "" : what);
}

static bool open_store(struct completion *c)
{
	struct rl_err ignored;

	if (!c->is_open && rl_open(&c->rl, c->root, &ignored) == 0)
		c->is_open = true;
	return c->is_open;
}

static int offer_container(struct completion *c, const char *id, const char *after)
{
	struct ctr ctr;
	struct ctr_state s;
	struct rl_err ignored;
	bool runs;
	int r = 0;

	if (ctr_open(&c->rl, id, &ctr, &ignored) < 0)
		return 0;
	if (ctr_get_state(&ctr, &s, &ignored) == 0) {
		runs = !s.is_lost && (s.status == CTR_RUNNING || s.status == CTR_PAUSED);
		if (!c->only || strcmp(c->only, runs ? "stopped" : "running") != 0) {
			r = offer(c, ctr.name, after, ctr_status_name(s.status));
			/* ids are for who began to type one */
			if (r == 0 && *c->typed && strlen(c->typed) < 13) {
				char text[13];

				(void)snprintf(text, sizeof(text), "%.12s", id);
				r = offer(c, text, after, ctr.name);
			}
		}
	}
	ctr_done(&ctr);
	return r;
}

static int offer_containers(struct completion *c, const char *after)
{
	auto_strv struct strv ids = { 0 };
	struct rl_err ignored;
	int r = 0;

	if (!open_store(c) || ctr_list(&c->rl, &ids, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = offer_container(c, ids.v[i], after);
	return r;
}

/* The shortest spelling that goes on from what was typed */
static int offer_image(struct completion *c, const char *name)
{
	static const char *const before[] = { "docker.io/library/", "docker.io/", "localhost/",
					      "" };
	size_t n = strlen(c->typed);

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		size_t len = strlen(before[i]);

		if (strncmp(name, before[i], len) == 0 && strncmp(name + len, c->typed, n) == 0)
			return offer(c, name + len, "", "image");
	}
	return 0;
}

static int offer_images(struct completion *c)
{
	struct image *v = NULL;
	struct rl_err ignored;
	size_t n = 0;
	int r = 0;

	if (!open_store(c) || image_list(&c->rl, &v, &n, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		char id[13];

		for (size_t k = 0; k < v[i].names.n && r == 0; k++)
			r = offer_image(c, v[i].names.v[k]);
		(void)snprintf(id, sizeof(id), "%.12s", v[i].id);
		if (r == 0 && (*c->typed || v[i].names.n == 0))
			r = offer(c, id, "", v[i].names.n ? v[i].names.v[0] : "<none>");
	}
	image_list_done(v, n);
	return r;
}

/* Objects that are names and nothing else here */
static int offer_names(struct completion *c,
		       int (*list)(const struct rl *rl, struct strv *ret, struct rl_err *err),
		       const char *after, const char *what)
{
	auto_strv struct strv names = { 0 };
	struct rl_err ignored;
	int r = 0;

	if (!open_store(c) || list(&c->rl, &names, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = offer(c, names.v[i], after, what);
	return r;
}

static int offer_volumes(struct completion *c, const char *after)
{
	return offer_names(c, volume_list, after, "volume");
}

static int offer_networks(struct completion *c)
{
	return offer_names(c, network_list, "", "network");
}

/* What --network takes: a mode, or a network. */
static int offer_network_modes(struct completion *c)
{
	static const char *const modes[] = { "private", "none", "host" };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(modes) && r == 0; i++)
		r = offer(c, modes[i], "", "mode");
	return r < 0 ? r : offer_networks(c);
}

static int offer_command(void *arg, const char *name, const struct cmd *cmd)
{
	return offer(arg, name, "", cmd->summary);
}

static int offer_commands(struct completion *c)
{
	int r = 0;

	for (const struct cmd *const *p = cmd_table; *p && r == 0; p++)
		if (!(*p)->hidden && !strchr((*p)->name, ' '))
			r = offer_command(c, (*p)->name, *p);
	for (const struct cmd_alias *a = cmd_alias_table; a->name && r == 0; a++)
		if (!strchr(a->name, ' ') && cmd_find(a->name))
			r = offer_command(c, a->name, cmd_find(a->name));
	for (const struct cmd_group *g = cmd_group_table; g->name && r == 0; g++)
		r = offer(c, g->name, "", g->summary);
	return r < 0 ? r : offer(c, "help", "", "Help for a command");
}

static int offer_options(struct completion *c, const struct opt *table)
{
	int r = 0;

	for (const struct opt *o = table; o && o->type != OPT_T_END && r == 0; o++) {
		auto_free char *name = str_printf("--%s", o->name);

		if (!name)
			return -ENOMEM;
		if (o->help)
			r = offer(c, name, "", o->help);
	}
	return r < 0 ? r : offer(c, "--help", "", "help for this command");
}

/* --- by the name of a word --------------------------------------------------------------- */

static int offer_list(struct completion *c, const char *list, const char *what)
{
	auto_strv struct strv words = { 0 };
	int r = strv_split(&words, list, '|');

	for (size_t i = 0; i < words.n && r == 0; i++)
		r = offer(c, words.v[i], "", what);
	return r;
}

/* What --ipc and its kin take */
static int offer_namespaces(struct completion *c)
{
	static const char before[] = "container:";
	size_t n = sizeof(before) - 1;
	int r = offer_list(c, "private|host", "namespace");

	if (r == 0 && strncmp(c->typed, before, n) != 0)
		return offer(c, before, "", "namespace of a container");
	if (r < 0 || c->before)
		return r;
	c->before = c->typed;
	c->before_len = (int)n;
	c->typed += n;
	return offer_containers(c, "");
}

static int offer_capabilities(struct completion *c)
{
	int r = offer(c, "all", "", "every capability");

	for (unsigned i = 0; r == 0 && capname_of(i); i++)
		r = offer(c, capname_of(i) + strlen("CAP_"), "", "capability");
	return r;
}

/* Values that a name in the help stands for, where they would be too long there */
static const struct {
	const char *kind, *words, *what;
} lists[] = {
	{ "POLICY", "no|on-failure|always|unless-stopped", "restart policy" },
	{ "ACTION", "none|kill|restart|stop", "when it turns unhealthy" },
	{ "SIGNAL", "HUP|INT|QUIT|KILL|USR1|USR2|TERM|CONT|STOP", "signal" },
	{ "FORMAT", "json|table", "format" },
	{ "ORDER", "command|created|id|image|names|runningfor|size|status", "order" },
	{ "STATE",
	  "created|running|paused|exited|stopped|removed|healthy|unhealthy|initialized|not-running",
	  "state" },
};

/* @kind: one name of a word, as in the help: "CONTAINER", "FILE", "always" */
static int offer_one_kind(struct completion *c, const char *kind)
{
	if (strcmp(kind, "CONTAINER") == 0)
		return offer_containers(c, "");
	if (strcmp(kind, "IMAGE") == 0)
		return offer_images(c);
	if (strcmp(kind, "VOLUME") == 0)
		return offer_volumes(c, "");
	if (strcmp(kind, "NETWORK") == 0)
		return offer_networks(c);
	if (strcmp(kind, "SECRET") == 0)
		return offer_names(c, secret_list, "", "secret");
	if (strcmp(kind, "NETWORK-MODE") == 0)
		return offer_network_modes(c);
	if (strcmp(kind, "NAMESPACE") == 0)
		return offer_namespaces(c);
	if (strcmp(kind, "CAP") == 0)
		return offer_capabilities(c);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (strcmp(kind, lists[i].kind) == 0)
			return offer_list(c, lists[i].words, lists[i].what);
	if (strcmp(kind, "FILE") == 0 || strcmp(kind, "PATH") == 0 || strcmp(kind, "ARCHIVE") == 0)
		return buf_str(&c->out, ":files\n");
	if (strcmp(kind, "DIR") == 0 || strcmp(kind, "FOLDER") == 0)
		return buf_str(&c->out, ":dirs\n");
	if (*kind >= 'a' && *kind <= 'z')
		return offer(c, kind, "", "value");
	return 0;
}

/* @name: as the help has it, "[CONTAINER|IMAGE...]", "always|never", "CONTAINER:SRC" */
static int offer_kind(struct completion *c, const char *name)
{
	auto_strv struct strv kinds = { 0 };
	auto_free char *plain = strdup(name);
	char *to = plain;
	int r;

	if (!plain)
		return -ENOMEM;
	if (strstr(name, "CONTAINER:") || strncmp(name, "[SRC:]", 6) == 0) {
		/* a path of ours, or one inside; a volume or a folder */
		r = name[1] == 'S' ? offer_volumes(c, ":") : offer_containers(c, ":");
		return r < 0 ? r : buf_str(&c->out, ":files\n");
	}
	/* "CONTAINER[:ro]": what may follow the word is typed by hand */
	for (const char *p = name; *p && strncmp(p, "[:", 2) != 0 && strncmp(p, "[=", 2) != 0; p++)
		if (!strchr("[].", *p))
			*to++ = *p;
	*to = '\0';
	r = strv_split(&kinds, plain, '|');
	for (size_t i = 0; i < kinds.n && r == 0; i++)
		r = offer_one_kind(c, kinds.v[i]);
	return r;
}

/* Word number @n of the command, counted from 0; the last name of @args stands for all others. */
static int offer_word(struct completion *c, const struct cmd *cmd, size_t n)
{
	auto_strv struct strv names = { 0 };
	const char *last;

	if (cmd->completes && strcmp(cmd->completes, "any") == 0)
		return offer_kind(c, "CONTAINER|IMAGE|VOLUME|NETWORK");
	if (!cmd->args || !*cmd->args || (cmd->max_args != CMD_ANY && n >= cmd->max_args))
		return 0;
	if (strv_split(&names, cmd->args, ' ') < 0)
		return -ENOMEM;
	last = names.v[names.n - 1];
	if (n < names.n)
		return offer_kind(c, names.v[n]);
	return strstr(last, "...") ? offer_kind(c, last) : 0;
}

/* --- the line ---------------------------------------------------------------------------- */

static const struct opt *find_option(const struct opt *table, const char *word)
{
	const struct opt *o = table;
	size_t len = strcspn(word, "=");

	if (!o || word[0] != '-' || !word[1])
		return NULL;
	for (; o->type != OPT_T_END; o++) {
		if (word[1] == '-' && strlen(o->name) == len - 2 &&
		    strncmp(o->name, word + 2, len - 2) == 0)
			return o;
		/* of "-it" the last letter decides */
		if (word[1] != '-' && o->short_name && o->short_name == word[strlen(word) - 1])
			return o;
	}
	return NULL;
}

/*
 * Walk over options and their values. @i: first word; returns the first that is neither, or @n.
 * @ret_open: the option whose value word @n would be, or NULL
 */
static size_t skip_options(const struct opt *table, const char *const *v, size_t i, size_t n,
			   const struct opt **ret_open)
{
	*ret_open = NULL;
	for (; i < n && v[i][0] == '-' && v[i][1] && strcmp(v[i], "--") != 0; i++) {
		const struct opt *o = find_option(table, v[i]);

		if (!o || !opt_takes_value(o) || strchr(v[i], '='))
			continue;
		if (i + 1 == n)
			*ret_open = o;
		i++;
	}
	return i < n ? i : n;
}

/* The word being typed, when it may be an option of @table. 1: it was not. */
static int try_option(struct completion *c, const struct opt *table, const struct opt *open)
{
	const char *eq = strchr(c->typed, '=');
	const struct opt *o;

	if (open)
		return offer_kind(c, open->arg ? open->arg : "");
	if (c->typed[0] != '-')
		return 1;
	if (strncmp(c->typed, "--", 2) != 0 || !eq)
		return offer_options(c, table);
	o = find_option(table, c->typed);
	c->before = c->typed;
	c->before_len = (int)(eq + 1 - c->typed);
	c->typed = eq + 1;
	if (o && !opt_takes_value(o))
		return offer_list(c, "true|false", "value");
	return o ? offer_kind(c, o->arg ? o->arg : "") : 0;
}

/* @v: the words behind the command's name, the last one is being typed */
static int complete_command(struct completion *c, const struct cmd *cmd, const char *const *v,
			    size_t n)
{
	const struct opt *open = NULL;
	size_t words = 0, i = 0;
	bool ended = false;
	int r;

	while (i + 1 < n && !ended) {
		i = skip_options(cmd->options, v, i, n - 1, &open);
		if (i + 1 >= n)
			break;
		ended = strcmp(v[i], "--") == 0 || cmd->stop_early;
		words += strcmp(v[i++], "--") != 0;
	}
	if (ended)
		words += n - 1 - i;
	c->only = cmd->completes;
	r = ended ? 1 : try_option(c, cmd->options, open);
	return r == 1 ? offer_word(c, cmd, words) : r;
}

static int complete_line(struct completion *c, const char *const *v, size_t n)
{
	const struct opt *open;
	size_t i = skip_options(cmd_global_options, v, 0, n - 1, &open);
	const struct cmd_group *g;
	const struct cmd *cmd;
	auto_free char *two = NULL;
	int r;

	for (size_t k = 0; k + 1 < i; k++) /* whose containers, images? */
		if (strcmp(v[k], "--root") == 0)
			c->root = v[k + 1];
	if (i + 1 < n && strcmp(v[i], "help") == 0)
		i++;
	c->typed = v[n - 1];
	if (i + 1 >= n) {
		r = try_option(c, cmd_global_options, open);
		return r == 1 ? offer_commands(c) : r;
	}
	g = cmd_find_group(v[i]);
	if (g && i + 2 == n)
		return help_members(g, offer_command, c);
	two = g ? str_printf("%s %s", v[i], v[i + 1]) : strdup(v[i]);
	cmd = two ? cmd_find(two) : NULL;
	i += g ? 2 : 1;
	return cmd ? complete_command(c, cmd, v + i, n - i) : 0;
}

static int complete(struct rl *rl, const struct cmd_args *args, const void *opts,
		    struct rl_err *err)
{
	const struct complete_opts *o = opts;
	struct completion c = { .rl = { .data_fd = FD_NONE, .run_fd = FD_NONE },
				.no_desc = o->no_desc };

	(void)rl; /* opened when it is needed, and for the line's own --root */
	log_set_level(LOG_ERROR);
	if (args->n > 0 && complete_line(&c, args->v, args->n) == 0)
		RL_IGNORE(format_print(&c.out, err)); /* the shell went away */
	buf_done(&c.out);
	if (c.is_open)
		rl_close(&c.rl);
	return 0;
}

static const struct opt complete_options[] = {
	OPT_BOOL(0, "no-desc", struct complete_opts, no_desc, "words only"),
	OPT_END,
};

const struct cmd cmd_complete = {
	.name = "__complete",
	.args = "WORD...",
	.summary = "Candidates for a shell's completion",
	.options = complete_options,
	.opts_size = sizeof(struct complete_opts),
	.max_args = CMD_ANY,
	.stop_early = true,
	.no_dirs = true,
	.hidden = true,
	.run = complete,
};
