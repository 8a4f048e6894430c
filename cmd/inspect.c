/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.c - `rl inspect` and its narrower forms for containers, images, volumes and networks
 *
 * Theory of operation: a word may name a container, an image or a volume, tried in this order
 * unless --type says which. One JSON array for all that were found, also when some were not (then
 * the status is 125); with --format one line per object. The objects are made in
 * cmd/ctr_inspect.c, cmd/image_view.c and cmd/volume_view.c.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctr_inspect.h"
#include "cmd/format.h"
#include "cmd/image_view.h"
#include "cmd/network_view.h"
#include "cmd/other_fields.h"
#include "cmd/select.h"
#include "cmd/volume_view.h"
#include "core/base/cleanup.h"

enum what { WHAT_CONTAINER, WHAT_IMAGE, WHAT_VOLUME, WHAT_NETWORK, WHAT_ALL };

static const char *const what_names[] = { "container", "image", "volume", "network", "all" };

struct inspect_opts {
	const char *format, *type;
	struct select_opts select; /* --latest; volumes: --all */
	bool size;
};

/* Kinds of values of all objects, for templates. */
static const char *const map_names[] = {
	"Labels",     "Annotations",    "Volumes",      "ExposedPorts",  "Networks",
	"CgroupConf", "PortBindings[]", "Ports[]",      "Tmpfs",         "Data",
	"Options",    "Sysctls",        "ipam_options", "containers",    "DriverOpts",
	"StorageOpt", "[]Entrypoint",   "[]Cmd",        "[]Env",         "[]Binds",
	"[]Links",    "[]VolumesFrom",  "[]Log",        "[]Aliases",     "[]Mounts",
	"[]Dns",      "[]ExecIDs",      "{}Health",     "{}Healthcheck", NULL,
};

struct inspect {
	struct rl *rl;
	const struct inspect_opts *o;
	struct ctr_inspect_how how;
	struct strv volume_users; /* read once, when the first volume is met */
	bool has_users;
	json_t *list;
};

/* --- one object --------------------------------------------------------------------------- */

static int container(struct inspect *x, const char *name, json_t **ret, struct rl_err *err)
{
	struct ctr c;
	int r = ctr_find(x->rl, name, &c, err);

	if (r < 0)
		return r;
	r = ctr_inspect_json(x->rl, &c, &x->how, ret, err);
	if (r == 0 && x->how.full && other_fields(*ret, OTHER_CONTAINER) < 0)
		r = rl_oom(err);
	if (r < 0) {
		rl_wrap(err, "container '%s'", name);
		r = -EBADMSG; /* it is there: no reason to look among images */
	}
	ctr_done(&c);
	return r;
}

static int image(struct inspect *x, const char *name, json_t **ret, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	auto_free char *canonical = NULL;
	char id[65];
	int r = image_resolve(x->rl, name, NULL, id, &canonical, err);

	if (r == 0)
		r = image_load(x->rl, id, &img, err);
	if (r == 0)
		r = image_inspect_json(x->rl, &img, x->how.full, ret, err);
	return r == 0 && x->how.full && other_fields(*ret, OTHER_IMAGE) < 0 ? rl_oom(err) : r;
}

static int volume(struct inspect *x, const char *name, json_t **ret, struct rl_err *err)
{
	auto_volume struct volume v = { 0 };
	int r = volume_load(x->rl, name, &v, err);

	if (r < 0)
		return rl_wrap(err, "volume '%s'", name);
	if (!x->has_users)
		r = volume_users(x->rl, &x->volume_users, err);
	x->has_users = true;
	if (r < 0)
		return r;
	*ret = volume_view(x->rl, &v, volume_count_users(&x->volume_users, name));
	return *ret && (!x->how.full || volume_view_add(*ret) == 0) ? 0 : rl_oom(err);
}

static int network(struct inspect *x, const char *name, json_t **ret, struct rl_err *err)
{
	auto_network struct network n = { 0 };
	int r = network_find(x->rl, name, &n, err);

	if (r < 0)
		return r;
	*ret = network_view(x->rl, &n);
	if (*ret)
		r = network_view_add(*ret, x->rl, &n, true, x->how.full);
	if (*ret && r == 0 && x->how.full)
		r = other_fields(*ret, OTHER_NETWORK);
	return *ret && r == 0 ? 0 : rl_oom(err);
}

static int any(struct inspect *x, const char *name, json_t **ret, struct rl_err *err)
{
	int r = container(x, name, ret, err);

	/* an ambiguous prefix of an id may still be the name of something else */
	if (r == -ENOENT || r == -EEXIST)
		r = image(x, name, ret, err);
	if (r == -ENOENT || r == -EINVAL || r == -EEXIST)
		r = volume(x, name, ret, err);
	if (r == -ENOENT || r == -EINVAL)
		r = network(x, name, ret, err);
	if (r == -ENOENT || r == -EINVAL)
		r = rl_fail(err, ENOENT, "no such object: \"%s\"", name);
	return r;
}

static int one(struct inspect *x, enum what what, const char *name, struct rl_err *err)
{
	static int (*const by_type[])(struct inspect *, const char *, json_t **,
				      struct rl_err *) = { container, image, volume, network, any };
	json_t *j = NULL;
	int r = by_type[what](x, name, &j, err);

	if (r == 0 && json_array_append_new(x->list, j) < 0)
		r = rl_oom(err);
	return r;
}

/* --- the commands ------------------------------------------------------------------------- */

static int get_type(const char *word, enum what *ret, struct rl_err *err)
{
	*ret = WHAT_ALL;
	for (size_t i = 0; word && i < ARRAY_LEN(what_names); i++) {
		if (strcmp(word, what_names[i]) != 0)
			continue;
		*ret = (enum what)i;
		return 0;
	}
	if (!word)
		return 0;
	if (strcmp(word, "pod") == 0)
		return rl_fail(err, ENOTSUP, "not supported yet: --type %s", word);
	return rl_fail(err, EINVAL,
		       "invalid type \"%s\": must be \"image\", \"container\", \"volume\", "
		       "\"network\" or \"all\"",
		       word);
}

static int get_names(struct inspect *x, enum what what, const struct cmd_args *args,
		     struct strv *ret, struct rl_err *err)
{
	const struct select_opts *s = &x->o->select;

	if (what == WHAT_VOLUME && s->all)
		return args->n ? rl_fail(err, EINVAL, "--all and names exclude each other")
			       : volume_list(x->rl, ret, err);
	if (args->n == 0 && !s->latest)
		return rl_fail(err, EINVAL, "no names or ids specified");
	if (s->latest && what != WHAT_ALL && what != WHAT_CONTAINER)
		return rl_fail(err, EINVAL, "--latest is about containers, not --type %s",
			       what_names[what]);
	return select_containers(x->rl, "inspect", args, s, SELECT_ANY, ret, err);
}

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, enum what what,
	       struct rl_err *err)
{
	const struct inspect_opts *o = opts;
	const struct format f = { .text = format_asked(o->format), .map_names = map_names };
	bool full = f.text && !format_is_json(f.text);
	struct inspect x = { .rl = rl, .o = o, .how = { o->size, full }, .list = json_array() };
	auto_strv struct strv names = { 0 };
	auto_free struct rl_err *why = NULL;
	auto_buf struct buf out = { 0 };
	size_t failed = 0;
	int r = x.list ? 0 : rl_oom(err);

	if (r == 0)
		r = get_names(&x, what, args, &names, err);
	why = calloc(names.n + 1, sizeof(*why));
	if (r == 0 && !why)
		r = rl_oom(err);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		failed += one(&x, what, names.v[i], &why[failed]) < 0;
	if (r == 0)
		r = full ? format_rows(&f, x.list, &out, err) : format_json(x.list, &out, err);
	if (r == 0)
		r = format_print(&out, err);
	(void)fflush(stdout); /* what was found comes first, also where both are one file */
	for (size_t i = 0; r == 0 && i < failed; i++)
		cmd_report(rl, &why[i]);
	strv_done(&x.volume_users);
	json_decref(x.list);
	return r < 0 ? r : failed > 0 ? EXIT_RL : 0;
}

static int run_all(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct inspect_opts *o = opts;
	enum what what;
	int r = get_type(o->type, &what, err);

	return r < 0 ? r : run(rl, args, opts, what, err);
}

static int run_container(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	return run(rl, args, opts, WHAT_CONTAINER, err);
}

static int run_image(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	return run(rl, args, opts, WHAT_IMAGE, err);
}

static int run_network(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	return run(rl, args, opts, WHAT_NETWORK, err);
}

static int run_volume(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	return run(rl, args, opts, WHAT_VOLUME, err);
}

#define OPT_FORMAT                                                    \
	OPT_STR('f', "format", struct inspect_opts, format, "FORMAT", \
		"json, or a Go template such as {{.Id}} or {{json .Config.Env}}")
#define OPT_SIZE_OF OPT_BOOL('s', "size", struct inspect_opts, size, "also how large its files are")

static const struct opt all_options[] = {
	OPT_FORMAT,
	SELECT_LATEST(struct inspect_opts, select),
	OPT_SIZE_OF,
	OPT_STR('t', "type", struct inspect_opts, type, "container|image|volume|network|all",
		"what the names are; all (default): whatever has the name"),
	OPT_END,
};

const struct cmd cmd_inspect = {
	.name = "inspect",
	.args = "NAME [NAME...]",
	.summary = "Show all that is known about containers, images, volumes and networks",
	.about = "A name is looked for among containers, then images, volumes and networks. Prints one JSON "
		 "array with an object for each that was found, or the --format template's "
		 "result, one line each.\n\n"
		 "Keys and types are those of Podman and Docker. Under Isolation is what only rl "
		 "has: the namespaces of its own, and which limits are in force.",
	.examples = {
		{ "rl inspect web",
		  "All about 'web'." },
		{ "rl inspect -f '{{.State.Status}} {{.State.Pid}}' web",
		  "Two fields of it." },
		{ "rl inspect -s -f '{{.SizeRw}}' web",
		  "Bytes that it has written into its own files." },
	},
	.options = all_options,
	.opts_size = sizeof(struct inspect_opts),
	.max_args = CMD_ANY,
	.run = run_all,
	.completes = "any",
};

static const struct opt container_options[] = {
	OPT_FORMAT,
	SELECT_LATEST(struct inspect_opts, select),
	OPT_SIZE_OF,
	OPT_END,
};

const struct cmd cmd_container_inspect = {
	.name = "container inspect",
	.args = "CONTAINER [CONTAINER...]",
	.summary = "Show all that is known about containers",
	.about = "As rl inspect, for containers only.",
	.examples = {
		{ "rl container inspect web",
		  "All about 'web'." },
		{ "rl container inspect -f '{{.HostConfig.RestartPolicy.Name}}' web",
		  "One field of it." },
	},
	.options = container_options,
	.opts_size = sizeof(struct inspect_opts),
	.max_args = CMD_ANY,
	.run = run_container,
};

static const struct opt image_options[] = {
	OPT_FORMAT,
	OPT_END,
};

const struct cmd cmd_image_inspect = {
	.name = "image inspect",
	.args = "IMAGE [IMAGE...]",
	.summary = "Show all that is known about images",
	.about = "Prints a JSON array with one object per image; images that are not "
		 "there are told on stderr, the others are printed all the same. With "
		 "--format one line per image is printed.",
	.examples = {
		{ "rl image inspect --format '{{.Architecture}} {{.Size}}' alpine",
		  "Print architecture and size." },
		{ "rl image inspect alpine busybox",
		  "Print all that is known about two images." },
	},
	.options = image_options,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = run_image,
};

static const struct opt volume_options[] = {
	OPT_BOOL('a', "all", struct inspect_opts, select.all, "all volumes"),
	OPT_FORMAT,
	OPT_END,
};

const struct cmd cmd_volume_inspect = {
	.name = "volume inspect",
	.args = "VOLUME [VOLUME...]",
	.summary = "Show all that is known about volumes",
	.about = "Prints one JSON array with an object for each volume, or the --format "
		 "template's result, one line each.",
	.examples = {
		{ "rl volume inspect data",
		  "All about 'data'." },
		{ "rl volume inspect -f '{{.Mountpoint}}' data",
		  "The folder that holds its files." },
	},
	.options = volume_options,
	.opts_size = sizeof(struct inspect_opts),
	.max_args = CMD_ANY,
	.run = run_volume,
};

static const struct opt network_options[] = {
	OPT_FORMAT,
	OPT_IGNORE_BOOL("verbose"),
	OPT_END,
};

const struct cmd cmd_network_inspect = {
	.name = "network inspect",
	.args = "NETWORK [NETWORK...]",
	.summary = "Show all that is known about named networks",
	.about = "Prints one JSON array with an object for each network, the containers that run on it "
		 "included, or the --format template's result, one line each.",
	.examples = {
		{ "rl network inspect backend",
		  "All about 'backend', and who is on it." },
		{ "rl network inspect -f '{{range .subnets}}{{.subnet}}{{end}}' backend",
		  "Its subnet." },
	},
	.options = network_options,
	.opts_size = sizeof(struct inspect_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.run = run_network,
};
