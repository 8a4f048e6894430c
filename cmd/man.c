/* SPDX-License-Identifier: Apache-2.0 */
/*
 * man.c - manual pages in man(7); the header is the manual
 *
 * Every text goes through man_text(), which makes it harmless for roff: no line begins with a
 * control character, a backslash is one, and a '-' of an option can be copied to a shell.
 */
#include "config.h"

#include "cmd/man.h"

#include <errno.h>
#include <string.h>

#include "cmd/help.h"
#include "core/base/cleanup.h"

/* Escaped, without a newline at the end; "\n\n" in @s begins a paragraph. */
static int man_text(struct buf *out, const char *s)
{
	bool at_start = true;
	int r = 0;

	for (; *s && r == 0; s++) {
		if (at_start && (*s == '.' || *s == '\''))
			r = buf_str(out, "\\&");
		at_start = false;
		if (r < 0)
			break;
		switch (*s) {
		case '\\':
			r = buf_str(out, "\\e");
			break;
		case '-':
			r = buf_str(out, "\\-");
			break;
		case '\'':
			r = buf_str(out, "\\(aq");
			break;
		case '^':
			r = buf_str(out, "\\(ha");
			break;
		case '~':
			r = buf_str(out, "\\(ti");
			break;
		case '`':
			r = buf_str(out, "\\(ga");
			break;
		case '\n':
			r = buf_str(out, s[1] == '\n' ? "\n.PP\n" : "\n");
			s += s[1] == '\n';
			at_start = true;
			break;
		default:
			r = buf_add(out, s, 1);
		}
	}
	return r;
}

/* "\n" + @before + escaped text + "\n"; @before is ours */
static int line(struct buf *out, const char *before, const char *text)
{
	int r = buf_str(out, before);

	if (r == 0)
		r = man_text(out, text);
	return r < 0 ? r : buf_str(out, "\n");
}

static int heading(struct buf *out, const char *page, const char *summary, const char *date)
{
	auto_free char *upper = strdup(page);
	int r;

	if (!upper)
		return -ENOMEM;
	for (char *p = upper; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	r = line(out, ".TH ", upper);
	if (r == 0) {
		out->len--; /* the title line goes on */
		r = buf_printf(out, " 1 \"%s\" \"rl " PACKAGE_VERSION "\" \"rl manual\"\n", date);
	}
	if (r == 0)
		r = line(out, ".SH NAME\n", page);
	if (r == 0) {
		out->len--;
		r = line(out, " \\- ", summary);
	}
	return r;
}

/* --- options ----------------------------------------------------------------------------- */

/* ".TP" and the option's names, bold; the name of the value in italics */
static int option_name(const struct opt *o, struct buf *out)
{
	int r = buf_str(out, ".TP\n");

	if (r == 0 && o->short_name)
		r = buf_printf(out, "\\fB\\-%c\\fR, ", o->short_name);
	if (r == 0)
		r = buf_str(out, "\\fB\\-\\-");
	if (r == 0)
		r = man_text(out, o->name);
	if (r == 0)
		r = buf_str(out, "\\fR");
	if (r == 0 && o->arg)
		r = buf_str(out, " \\fI");
	if (r == 0 && o->arg)
		r = man_text(out, o->arg);
	if (r == 0 && o->arg)
		r = buf_str(out, "\\fR");
	return r < 0 ? r : buf_str(out, "\n");
}

/* A sentence that names all options of these types; a paragraph of its own, unless it is the first. */
static int name_all(const struct opt *table, const char *intro, enum opt_type a, enum opt_type b,
		    bool *is_first, struct buf *out)
{
	bool any = false;
	int r = 0;

	for (const struct opt *o = table; r == 0 && o->type != OPT_T_END; o++) {
		if (o->type != a && o->type != b)
			continue;
		r = any ? buf_str(out, ",\n")
			: buf_printf(out, "%s%s\n", *is_first ? "" : ".PP\n", intro);
		if (r == 0)
			r = buf_str(out, "\\-\\-");
		if (r == 0)
			r = man_text(out, o->name);
		any = true;
		*is_first = false;
	}
	return r < 0 || !any ? r : buf_str(out, ".\n");
}

static int options(const struct opt *table, struct buf *out)
{
	int r = buf_str(out, ".SH OPTIONS\n");
	bool is_first = true;

	for (const struct opt *o = table; r == 0 && o->type != OPT_T_END; o++) {
		if (!o->help)
			continue;
		is_first = false;
		r = option_name(o, out);
		if (r == 0)
			r = line(out, "", o->help);
	}
	if (r == 0)
		r = name_all(table,
			     "Taken for the sake of scripts, and without effect:", OPT_T_IGNORE,
			     OPT_T_IGNORE_BOOL, &is_first, out);
	return r < 0 ? r
		     : name_all(table,
				"Known to Docker or Podman, and refused so far:", OPT_T_LATER,
				OPT_T_LATER, &is_first, out);
}

/* --- one command ------------------------------------------------------------------------- */

static int exit_row(struct buf *out, const char *status, const char *when)
{
	int r = line(out, ".TP\n.B ", status);

	return r < 0 ? r : line(out, "", when);
}

static int exit_status(const struct cmd *c, struct buf *out)
{
	int r = buf_str(out, ".SH EXIT STATUS\n");

	if (r == 0)
		r = exit_row(out, "0", "Success.");
	for (size_t i = 0; r == 0 && i < CMD_EXITS_MAX && c->exits[i].status; i++)
		r = exit_row(out, c->exits[i].status, c->exits[i].when);
	return r < 0 ? r
		     : exit_row(out, "125",
				"rl itself failed; the message on stderr says why and, where "
				"known, what to do.");
}

static int examples(const struct cmd *c, struct buf *out)
{
	int r = c->examples[0].line ? buf_str(out, ".SH EXAMPLES\n") : 0;

	for (size_t i = 0; r == 0 && i < CMD_EXAMPLES_MAX && c->examples[i].line; i++) {
		r = line(out, ".TP\n.B ", c->examples[i].line);
		if (r == 0)
			r = line(out, "", c->examples[i].what);
	}
	return r;
}

static int see(struct buf *out, const char *name, const char *after)
{
	auto_free char *page = help_page_name(name);
	int r = page ? line(out, ".BR ", page) : -ENOMEM;

	if (r < 0)
		return r;
	out->len--;
	return buf_printf(out, " (1)%s\n", after);
}

static int synopsis(const struct cmd *c, struct buf *out)
{
	int r = line(out, ".SH SYNOPSIS\n.B rl ", c->name);

	if (r == 0 && c->options)
		r = buf_str(out, "[\\fIOPTION\\fR...]\\&\n");
	if (r == 0 && c->args && *c->args)
		r = line(out, "", c->args);
	return r;
}

static int aliases(const struct cmd *c, struct buf *out)
{
	bool any = false;
	int r = 0;

	for (const struct cmd_alias *a = cmd_alias_table; r == 0 && a->name; a++) {
		if (strcmp(a->target, c->name) != 0)
			continue;
		r = buf_str(out, any ? ",\n.B rl " : ".PP\nAlso:\n.B rl ");
		if (r == 0)
			r = man_text(out, a->name);
		any = true;
	}
	return r < 0 || !any ? r : buf_str(out, "\n");
}

int man_command(const struct cmd *c, const char *date, struct buf *out)
{
	auto_free char *page = help_page_name(c->name);
	int r = page ? heading(out, page, c->summary, date) : -ENOMEM;

	if (r == 0)
		r = synopsis(c, out);
	if (r == 0)
		r = line(out, ".SH DESCRIPTION\n", c->about ? c->about : c->summary);
	if (r == 0)
		r = aliases(c, out);
	if (r == 0 && c->options)
		r = options(c->options, out);
	if (r == 0)
		r = exit_status(c, out);
	if (r == 0)
		r = examples(c, out);
	return r < 0 ? r : buf_str(out, ".SH SEE ALSO\n.BR rl (1)\n");
}

/* --- groups and rl(1) -------------------------------------------------------------------- */

static int member(void *arg, const char *name, const struct cmd *c)
{
	struct buf *out = arg;
	int r = line(out, ".TP\n.B ", name);

	if (r == 0)
		r = line(out, "", c->summary);
	if (r < 0)
		return r;
	out->len--;
	r = buf_str(out, ";\n");
	return r < 0 ? r : see(out, c->name, "");
}

int man_group(const struct cmd_group *g, const char *date, struct buf *out)
{
	auto_free char *page = help_page_name(g->name);
	int r = page ? heading(out, page, g->summary, date) : -ENOMEM;

	if (r == 0)
		r = line(out, ".SH SYNOPSIS\n.B rl ", g->name);
	if (r == 0)
		r = buf_str(out,
			    "\\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARG\\fR...]\n.SH COMMANDS\n");
	if (r == 0)
		r = help_members(g, member, out);
	return r < 0 ? r : buf_str(out, ".SH SEE ALSO\n.BR rl (1)\n");
}

struct pair {
	const char *name, *text;
};

static const char about[] =
	"rl runs containers as an ordinary user: no root, no daemon, no service that stays. Its "
	"commands, options, outputs and exit statuses are those that scripts for docker and podman "
	"expect.\n\n"
	"A container's user ids are the caller's own id (as 0) and the subordinate range of "
	"/etc/subuid and /etc/subgid. Each container has one small monitor process, which ends "
	"with "
	"it; nothing runs when no container does.\n\n"
	"Options in front of the command are listed below; they are also taken behind it, by their "
	"long names, where the command has none of that name. Options end at "
	"the image or container: what follows belongs to the program inside.";

static const struct pair environment[] = {
	{ "RL_ROOT", "Folder of images, containers and volumes, as --root" },
	{ "XDG_DATA_HOME", "Where that folder is when neither is given (~/.local/share)" },
	{ "XDG_RUNTIME_DIR", "Where sockets are" },
	{ "XDG_CONFIG_HOME", "Where containers/registries.conf and auth.json are (~/.config)" },
	{ "REGISTRY_AUTH_FILE", "Logins are read from this file and no other" },
	{ "RL_RUNROOT", "Folder of sockets, as --runroot" },
	{ "CONTAINERS_REGISTRIES_CONF", "Read in place of registries.conf" },
	{ "DOCKER_CONFIG", "Folder of Docker's config.json with logins (~/.docker)" },
	{ "SOURCE_DATE_EPOCH", "Time that commit and import write into an image, in seconds" },
	{ "STORAGE_DRIVER",
	  "fuse-overlayfs or vfs choose a way to mount; other values do nothing" },
	{ "TMPDIR", "Folder for temporary files" },
	{ "HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "Proxies for registries; passed to containers too" },
	{ NULL, NULL },
};

static const struct pair files[] = {
	{ "~/.local/share/rl", "Images, containers and volumes" },
	{ "$XDG_RUNTIME_DIR/rl", "Sockets" },
	{ "/etc/subuid, /etc/subgid", "Subordinate ids of users" },
	{ "~/.config/containers/registries.conf, /etc/containers/registries.conf",
	  "Where short names are looked for, mirrors, blocked registries" },
	{ "~/.config/containers/policy.json, /etc/containers/policy.json",
	  "Which images may be pulled: rl-image-trust(1)" },
	{ "~/.config/containers/storage.conf, /etc/containers/storage.conf",
	  "additionalimagestores: stores of others whose images are used in place" },
	{ "~/.config/containers/auth.json, ~/.docker/config.json", "Logins" },
	{ "~/.config/rl/rl.conf, /etc/rl/rl.conf",
	  "strict = true under [limits]: as if every container had --strict-limits" },
	{ NULL, NULL },
};

static const struct pair statuses[] = {
	{ "0", "Success" },
	{ "1, 2", "Something named is unknown, or in use (rm, rmi, volume rm, exists)" },
	{ "125", "rl itself failed" },
	{ "126, 127", "The program inside cannot be run, or is not there (run, start, exec)" },
	{ "128+N", "The program inside died by signal N" },
	{ NULL, NULL },
};

static int pairs(struct buf *out, const char *title, const struct pair *p)
{
	int r = line(out, ".SH ", title);

	for (; p->name && r == 0; p++) {
		r = line(out, ".TP\n.B ", p->name);
		if (r == 0)
			r = line(out, "", p->text);
	}
	return r;
}

int man_overview(const char *date, struct buf *out)
{
	int r = heading(out, "rl", "containers without root and without a daemon", date);

	if (r == 0)
		r = buf_str(out, ".SH SYNOPSIS\n.B rl\n[\\fIOPTION\\fR...] \\fICOMMAND\\fR "
				 "[\\fIARG\\fR...]\n");
	if (r == 0)
		r = line(out, ".SH DESCRIPTION\n", about);
	if (r == 0)
		r = options(cmd_global_options, out);
	if (r == 0)
		r = buf_str(out, ".SH COMMANDS\n");
	for (const struct cmd *const *c = cmd_table; *c && r == 0; c++)
		if (!(*c)->hidden)
			r = member(out, (*c)->name, *c);
	if (r == 0)
		r = buf_str(out, ".SH GROUPS OF COMMANDS\n");
	for (const struct cmd_group *g = cmd_group_table; g->name && r == 0; g++) {
		r = line(out, ".TP\n.B ", g->name);
		if (r == 0)
			r = line(out, "", g->summary);
		if (r == 0)
			r = see(out, g->name, "");
	}
	if (r == 0)
		r = pairs(out, "EXIT STATUS", statuses);
	if (r == 0)
		r = pairs(out, "ENVIRONMENT", environment);
	return r < 0 ? r : pairs(out, "FILES", files);
}
