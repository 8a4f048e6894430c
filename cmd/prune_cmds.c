/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune_cmds.c - `rl container prune`, `rl image prune`, `rl volume prune`, `rl network prune`, `rl system prune`
 *
 * Each says what it is about to do and asks, unless -f; no ends it without an error, no answer with one. The
 * work is in cmd/prune.c.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/prune.h"
#include "core/base/cleanup.h"
#include "core/base/waiting.h"

struct prune_opts {
	bool all, force, volumes;
	struct strv filters;
};

int prune_ask(bool force, const char *warning, struct rl_err *err)
{
	auto_waiting struct waiting w = { 0 };
	char line[16];

	if (force)
		return 1;
	waiting_begin(&w, "an answer: y or n");
	(void)printf("%sAre you sure you want to continue? [y/N] ", warning);
	(void)fflush(stdout); /* a lost question cannot be answered with yes */
	if (fgets(line, sizeof(line), stdin))
		return line[0] == 'y' || line[0] == 'Y';
	rl_fail(err, ENODATA, "no answer");
	return rl_hint(err, "-f does it without asking");
}

static int print(const struct pruned *p, const char *heading, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };
	int r = heading && p->names.n ? buf_printf(&out, "%s\n", heading) : 0;

	for (size_t i = 0; i < p->names.n && r == 0; i++)
		r = buf_printf(&out, "%s\n", p->names.v[i]);
	return r < 0 ? rl_oom(err) : format_print(&out, err);
}

/* --- one kind ---------------------------------------------------------------------------- */

static int container_prune(struct rl *rl, const struct cmd_args *args, const void *opts,
			   struct rl_err *err)
{
	const struct prune_opts *o = opts;
	struct pruned p = { 0 };
	int r = prune_check(rl, false, &o->filters, err);

	(void)args;
	if (r == 0)
		r = prune_ask(o->force, "WARNING! This will remove all non running containers.\n",
			      err);
	if (r <= 0)
		return r;
	r = prune_containers(rl, &o->filters, &p, err);
	if (r == 0)
		r = print(&p, NULL, err);
	strv_done(&p.names);
	return r;
}

static int image_prune(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct prune_opts *o = opts;
	struct pruned p = { 0 };
	int r = prune_check(rl, true, &o->filters, err);

	(void)args;
	if (r < 0)
		return r;
	r = prune_ask(o->force,
		      o->all ? "WARNING! This command removes all images without at least one "
			       "container associated with them.\n"
			     : "WARNING! This command removes all dangling images.\n",
		      err);
	if (r <= 0)
		return r;
	r = prune_images(rl, o->all, &o->filters, &p, err);
	if (r == 0)
		r = print(&p, NULL, err);
	strv_done(&p.names);
	return r;
}

/* The question names them: a volume's files cannot be had back. */
static int volume_warning(const struct rl *rl, const struct prune_opts *o, struct buf *out,
			  struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = prune_volumes_list(rl, o->all, &o->filters, &names, err);

	if (r < 0 || names.n == 0)
		return r;
	r = buf_str(out, "WARNING! This will remove all volumes not used by at least one "
			 "container. The following volumes will be removed:\n");
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = buf_printf(out, "%s\n", names.v[i]);
	return r < 0 ? rl_oom(err) : 1;
}

static int volume_prune(struct rl *rl, const struct cmd_args *args, const void *opts,
			struct rl_err *err)
{
	const struct prune_opts *o = opts;
	auto_buf struct buf warning = { 0 };
	struct pruned p = { 0 };
	int r = o->force ? 1 : volume_warning(rl, o, &warning, err);

	(void)args;
	if (r < 0)
		return r;
	if (r == 0) {
		(void)puts("No dangling volumes found"); /* seen at exit when stdout is closed */
		return 0;
	}
	r = prune_ask(o->force, warning.data, err);
	if (r <= 0)
		return r;
	r = prune_volumes(rl, o->all, &o->filters, &p, err);
	if (r == 0)
		r = print(&p, NULL, err);
	strv_done(&p.names);
	return r;
}

static int network_prune(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	const struct prune_opts *o = opts;
	struct pruned p = { 0 };
	int r;

	(void)args;
	r = prune_ask(
		o->force,
		"WARNING! This will remove all networks not used by at least one container.\n",
		err);
	if (r <= 0)
		return r;
	r = prune_networks(rl, &o->filters, &p, err);
	if (r == 0)
		r = print(&p, NULL, err);
	strv_done(&p.names);
	return r;
}

/* --- all --------------------------------------------------------------------------------- */

static int system_warning(const struct prune_opts *o, struct buf *out)
{
	int r = buf_str(out, "WARNING! This command removes:\n\t- all stopped containers\n"
			     "\t- all networks not used by at least one container\n");

	if (r == 0 && o->volumes)
		r = buf_str(out, "\t- all anonymous volumes not used by at least one container\n");
	return r < 0 ? r
		     : buf_printf(out, "\t- all %s\n\n",
				  o->all ? "images without at least one container associated with "
					   "them"
					 : "dangling images");
}

/* Run one part, print its heading and names, add up. */
static int part(const struct rl *rl, const struct prune_opts *o, const char *heading,
		int64_t *bytes, struct rl_err *err)
{
	struct pruned p = { .count = true };
	int r;

	if (strstr(heading, "Containers"))
		r = prune_containers(rl, &o->filters, &p, err);
	else if (strstr(heading, "Networks"))
		r = prune_networks(rl, &o->filters, &p, err);
	else if (strstr(heading, "Images"))
		r = prune_images(rl, o->all, &o->filters, &p, err);
	else
		r = prune_volumes(rl, false, &o->filters, &p, err);
	if (r == 0)
		r = print(&p, heading, err);
	*bytes += p.bytes;
	strv_done(&p.names);
	return r;
}

static int system_prune(struct rl *rl, const struct cmd_args *args, const void *opts,
			struct rl_err *err)
{
	const struct prune_opts *o = opts;
	auto_buf struct buf warning = { 0 };
	char size[FORMAT_TEXT_MAX];
	int64_t bytes = 0;
	int r = prune_check(rl, false, &o->filters, err);

	(void)args;
	if (r < 0)
		return r;
	if (system_warning(o, &warning) < 0)
		return rl_oom(err);
	r = prune_ask(o->force, warning.data, err);
	if (r <= 0)
		return r;
	r = part(rl, o, "Deleted Containers", &bytes, err);
	if (r == 0)
		r = part(rl, o, "Deleted Networks", &bytes, err);
	if (r == 0 && o->volumes)
		r = part(rl, o, "Deleted Volumes", &bytes, err);
	if (r == 0)
		r = part(rl, o, "Deleted Images", &bytes, err);
	format_size(size, bytes, 4, "");
	if (r == 0)
		(void)printf("Total reclaimed space: %s\n", size);
	return r;
}

static const struct opt container_prune_options[] = {
	OPT_LIST(0, "filter", struct prune_opts, filters, "KEY=VALUE",
		 "only those that match: label, label!, until"),
	OPT_BOOL('f', "force", struct prune_opts, force, "do not ask before something is removed"),
	OPT_END,
};

const struct cmd cmd_container_prune = {
	.name = "container prune",
	.args = "",
	.summary = "Remove all containers that do not run",
	.about = "Removes every container that does not run, with its files, and prints the ids. "
		 "It asks first, unless --force.",
	.examples = {
		{ "rl container prune", "Ask, then remove them." },
		{ "rl container prune -f --filter until=24h",
		  "Remove those that are older than a day." },
	},
	.options = container_prune_options,
	.opts_size = sizeof(struct prune_opts),
	.run = container_prune,
};

static const struct opt image_prune_options[] = {
	OPT_BOOL('a', "all", struct prune_opts, all, "all that no container uses"),
	OPT_LIST(0, "filter", struct prune_opts, filters, "KEY=VALUE",
		 "only those that match: label, label!, until, ..."),
	OPT_BOOL('f', "force", struct prune_opts, force, "do not ask before something is removed"),
	OPT_IGNORE_BOOL("build-cache"),
	OPT_IGNORE_BOOL("external"),
	OPT_END,
};

const struct cmd cmd_image_prune = {
	.name = "image prune",
	.args = "",
	.summary = "Remove images that nobody uses",
	.about = "Removes images without a name, with --all every image that no container uses, "
		 "and the layers that no other image needs; prints the ids. It asks first, unless "
		 "--force.",
	.examples = {
		{ "rl image prune -f", "Remove images without a name." },
		{ "rl image prune -a --filter until=240h",
		  "Ask, then remove those without a container that are older than ten days." },
	},
	.options = image_prune_options,
	.opts_size = sizeof(struct prune_opts),
	.run = image_prune,
};

static const struct opt volume_prune_options[] = {
	OPT_BOOL('a', "all", struct prune_opts, all, "those with a name as well"),
	OPT_LIST(0, "filter", struct prune_opts, filters, "KEY=VALUE",
		 "only those that match, as 'rl volume ls'; all=true is --all"),
	OPT_BOOL('f', "force", struct prune_opts, force, "do not ask before something is removed"),
	OPT_END,
};

const struct cmd cmd_volume_prune = {
	.name = "volume prune",
	.args = "",
	.summary = "Remove volumes that nobody uses",
	.about = "Removes anonymous volumes that no container mounts, with --all those with a name "
		 "as well, and prints their names. It lists them and asks first, unless --force.",
	.examples = {
		{ "rl volume prune", "List the anonymous ones, ask, remove them." },
		{ "rl volume prune -af --filter label=tmp",
		  "Remove all unused ones that have the label 'tmp'." },
	},
	.options = volume_prune_options,
	.opts_size = sizeof(struct prune_opts),
	.run = volume_prune,
};

static const struct opt network_prune_options[] = {
	OPT_LIST(0, "filter", struct prune_opts, filters, "KEY=VALUE",
		 "only those that match: label, label!, until"),
	OPT_BOOL('f', "force", struct prune_opts, force, "do not ask before something is removed"),
	OPT_END,
};

const struct cmd cmd_network_prune = {
	.name = "network prune",
	.args = "",
	.summary = "Remove named networks that nobody uses",
	.about = "Removes every named network that no container belongs to, running or not, and prints "
		 "the names. It asks first, unless --force.",
	.examples = {
		{ "rl network prune", "Ask, then remove them." },
		{ "rl network prune -f --filter until=24h",
		  "Remove those that are older than a day." },
	},
	.options = network_prune_options,
	.opts_size = sizeof(struct prune_opts),
	.run = network_prune,
};

static const struct opt system_prune_options[] = {
	OPT_BOOL('a', "all", struct prune_opts, all, "all images that no container uses"),
	OPT_LIST(0, "filter", struct prune_opts, filters, "KEY=VALUE",
		 "only what matches: label, label!, until"),
	OPT_BOOL('f', "force", struct prune_opts, force, "do not ask before something is removed"),
	OPT_BOOL(0, "volumes", struct prune_opts, volumes, "anonymous volumes as well"),
	OPT_IGNORE_BOOL("build"),
	OPT_IGNORE_BOOL("external"),
	OPT_END,
};

const struct cmd cmd_system_prune = {
	.name = "system prune",
	.args = "",
	.summary = "Remove all that nobody uses",
	.about = "Removes containers that do not run, named networks without a container, images without a name (with --all: "
		 "without a container), with --volumes also anonymous volumes that no container "
		 "mounts, and tells how much room that makes. Volumes with a name are removed by "
		 "'rl volume prune --all' only. It asks first, unless --force.",
	.examples = {
		{ "rl system prune", "Ask, then clean up." },
		{ "rl system prune -af --volumes",
		  "Remove all but what running containers need, and volumes with a name." },
	},
	.options = system_prune_options,
	.opts_size = sizeof(struct prune_opts),
	.run = system_prune,
};
