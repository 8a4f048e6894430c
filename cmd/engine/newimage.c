/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newimage.c - engine: export, commit, import; the header is the manual
 *
 * Theory of operation: a child writes the tar: of the writable folder alone, as root of S (commit),
 * or of the whole tree from inside the container (export, and a commit that squashes or whose
 * container is a copy of its image). A commit's tar goes to a nameless file in the store; rl-image
 * makes the layer of it and the documents around (storage/image/add.c).
 */
#include "config.h"

#include "cmd/engine/newimage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/change.h"
#include "cmd/engine/ctrfs.h"
#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/control.h"
#include "core/events.h"
#include "core/rootpath.h"
#include "storage/blob.h"
#include "storage/fetch.h"
#include "storage/image.h"
#include "storage/pack.h"

/* --- the tar ------------------------------------------------------------------------------- */

struct packing {
	struct pack_opts opts;
	const char *path; /* below the child's root */
	int out;
};

static int packer(int root_fd, int sock, void *arg, struct rl_err *err)
{
	const struct packing *p = arg;
	auto_free struct tarout *t = malloc(sizeof(*t));
	auto_fd int fd = FD_NONE;
	struct pack_result res;
	int out = p->out, r;

	(void)sock;
	if (!t)
		return rl_oom(err);
	fd = rootpath_open(root_fd, p->path, O_RDONLY | O_DIRECTORY, err);
	if (fd < 0)
		return fd;
	tarout_init(t, tarout_to_fd, &out);
	r = pack_tree(t, fd, &p->opts, &res, err);
	if (r == 0)
		r = tarout_end(t, err);
	return r < 0 ? r : (int)(res.skipped < INT_MAX ? res.skipped : INT_MAX);
}

static int run_packer(const struct ctrfs *fs, struct packing *p, struct rl_err *err)
{
	struct ctrfs_child ch = { .sock = FD_NONE };
	int64_t skipped = 0;
	int r = ctrfs_fork(fs, packer, p, p->out, &ch, err);

	if (r == 0)
		r = ctrfs_join(&ch, &skipped, err);
	if (skipped > 0)
		log_warn("%lld sockets were left out: an archive has no word for them",
			 (long long)skipped);
	return r;
}

/* SOURCE_DATE_EPOCH, or -1 */
static int64_t source_date(void)
{
	const char *s = getenv("SOURCE_DATE_EPOCH");
	uint64_t v;

	return s && parse_uint(s, INT64_MAX / 1000000000, &v) == 0 ? (int64_t)v : -1;
}

static int pack_whole(struct container *c, int out, int64_t newest, struct rl_err *err)
{
	struct packing p = { .opts = { .as = "",
				       .one_mount = true,
				       .whole_seconds = true,
				       .one_id = c->session.rung == SESSION_ONE_ID,
				       .newest = newest },
			     .path = "/",
			     .out = out };
	bool over = true;
	struct ctrfs fs;
	int r = 0;

	for (int i = 0; over && i < CTRFS_TRIES; i++) {
		r = ctrfs_open(c, &fs, err);
		if (r < 0)
			return r;
		r = run_packer(&fs, &p, err);
		over = ctrfs_is_over(&fs, r);
		ctrfs_close(&fs);
	}
	return r;
}

int engine_export(struct container *c, int out_fd, struct rl_err *err)
{
	int r = pack_whole(c, out_fd, -1, err);

	if (r == 0)
		events_ctr(c->rl, &c->ctr, "export", NULL);
	return life_gone(c->rl, &c->ctr, r, err);
}

/* Where something is mounted the writable layer holds what the mount needed to be put there. */
static int add_skips(const struct container *c, struct strv *skip, struct rl_err *err)
{
	for (size_t i = 0; i < c->spec.n_mounts; i++)
		if (strv_add(skip, c->spec.mounts[i].dest + 1) < 0)
			return rl_oom(err);
	return 0;
}

static int pack_upper(struct container *c, int out, int64_t newest, struct rl_err *err)
{
	auto_strv struct strv skip = { 0 };
	auto_free char *path = str_printf("%s/upper", c->ctr.dir);
	struct packing p = { .opts = { .as = "",
				       .layer = true,
				       .whole_seconds = true,
				       .one_id = c->session.rung == SESSION_ONE_ID,
				       .uids = &c->uids,
				       .gids = &c->gids,
				       .skip = &skip,
				       .newest = newest },
			     .path = path,
			     .out = out };
	const struct ctrfs fs = { .user_fd = c->session.userns_fd,
				  .mount_fd = FD_NONE,
				  .user_only = true };

	if (!path)
		return rl_oom(err);
	if (add_skips(c, &skip, err) < 0)
		return -err->code;
	return run_packer(&fs, &p, err);
}

/* A file without a name in the store, which can become a blob there. */
static int scratch_file(const struct rl *rl, struct rl_err *err)
{
	int fd = blob_new(rl);
	char name[32] = ".tmp-";

	if (fd >= 0)
		return fd;
	rand_hex(name + strlen(name), 8); /* where the file system has no such files */
	fd = openat(rl->data_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return rl_fail_sys(err, errno, "create a file in '%s'", rl->data_dir);
	(void)unlinkat(rl->data_fd, name, 0);
	return fd;
}

/* --- the config ---------------------------------------------------------------------------- */

static int set(json_t *o, const char *key, json_t *take, struct rl_err *err)
{
	if (!take)
		return rl_fail(err, EINVAL, "'%s' is not UTF-8", key);
	return json_object_set_new(o, key, take) < 0 ? rl_oom(err) : 0;
}

/* Variables that rl, not the user or the image, has put into the environment. */
static bool is_own_variable(const char *entry)
{
	static const char *const own[] = {
		"container=",  "HOSTNAME=",  "HOME=",      "TERM=",        "http_proxy=",
		"HTTP_PROXY=", "no_proxy=",  "NO_PROXY=",  "https_proxy=", "HTTPS_PROXY=",
		"ftp_proxy=",  "FTP_PROXY=", "all_proxy=", "ALL_PROXY="
	};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (strncmp(entry, own[i], strlen(own[i])) == 0)
			return true;
	return false;
}

static int take_env(const json_t *process, json_t *config, struct rl_err *err)
{
	const json_t *now = json_object_get(process, "env"), *base = json_object_get(config, "Env");
	json_t *list = json_array();
	int bad = !list;

	for (size_t i = 0; !bad && i < json_array_size(now); i++) {
		json_t *e = json_array_get(now, i);
		const char *s = json_string_value(e);
		bool is_base = false;

		for (size_t k = 0; s && k < json_array_size(base); k++)
			is_base |= json_equal(json_array_get(base, k), e);
		if (s && (is_base || !is_own_variable(s)))
			bad |= json_array_append(list, e);
	}
	if (!bad)
		return set(config, "Env", list, err);
	json_decref(list);
	return rl_oom(err);
}

/* What of @args the image's entrypoint does not say is the command. */
static int take_command(const json_t *process, json_t *config, struct rl_err *err)
{
	const json_t *args = json_object_get(process, "args");
	const json_t *entry = json_object_get(config, "Entrypoint");
	size_t skip = json_array_size(entry);
	json_t *cmd = json_array();
	int bad = !cmd;

	for (size_t i = 0; i < skip; i++)
		if (!json_equal(json_array_get(entry, i), json_array_get(args, i)))
			skip = SIZE_MAX;
	if (skip == SIZE_MAX) {
		skip = 0;
		(void)json_object_del(config, "Entrypoint"); /* another one was given */
	}
	for (size_t i = skip; !bad && i < json_array_size(args); i++)
		bad |= json_array_append(cmd, json_array_get(args, i));
	if (!bad)
		return set(config, "Cmd", cmd, err);
	json_decref(cmd);
	return rl_oom(err);
}

static int take_volumes(const struct container *c, json_t *config, struct rl_err *err)
{
	json_t *o = json_object_get(config, "Volumes");

	if (!json_is_object(o)) {
		o = json_object();
		if (json_object_set_new(config, "Volumes", o) < 0)
			return rl_oom(err);
	}
	for (size_t i = 0; i < c->n_volumes; i++)
		if (json_object_set_new(o, c->volumes[i].dest, json_object()) < 0)
			return rl_oom(err);
	return 0;
}

/* How the container was made changes what its image says. */
static int take_container(const struct container *c, const struct newimage_req *req, json_t *config,
			  struct rl_err *err)
{
	const json_t *process = json_object_get(c->spec_json, "process");
	const json_t *user = json_object_get(json_object_get(c->ctr.record, "asked"), "user");
	const char *cwd = json_string_value(json_object_get(process, "cwd"));
	int r = take_env(process, config, err);

	if (r == 0)
		r = take_command(process, config, err);
	if (r == 0 && json_is_string(user))
		r = set(config, "User", json_incref((json_t *)(uintptr_t)user), err);
	if (r == 0 && cwd && strcmp(cwd, "/") != 0)
		r = set(config, "WorkingDir", json_string(cwd), err);
	if (r == 0 && json_object_size(c->labels) > 0)
		r = set(config, "Labels", json_incref(c->labels), err);
	return r == 0 && req->include_volumes ? take_volumes(c, config, err) : r;
}

static int apply_changes(const struct newimage_req *req, json_t *config, struct rl_err *err)
{
	json_auto_t *j = NULL;
	int r = 0;

	if (req->config_file) {
		r = json_read_file(AT_FDCWD, req->config_file, IMAGE_CONFIG_MAX, &j, err);
		if (r == 0 && json_object_update(config, j) < 0)
			r = rl_fail(err, EINVAL, "'%s' is no JSON object", req->config_file);
	}
	for (size_t i = 0; r == 0 && i < req->change.n; i++)
		r = change_apply(config, req->change.v[i], err);
	return r;
}

static char *join_words(const json_t *list)
{
	auto_buf struct buf b = { 0 };

	for (size_t i = 0; i < json_array_size(list); i++)
		if (buf_printf(&b, "%s%s", i ? " " : "",
			       json_string_value(json_array_get(list, i))) < 0)
			return NULL;
	return buf_take(&b);
}

/* created, author, one more line of history */
static int add_history(json_t *image, const struct newimage_req *req, const char *by,
		       struct rl_err *err)
{
	json_t *h = json_object(), *list = json_object_get(image, "history");
	const int64_t date = source_date();
	char when[32];
	int r;

	time_rfc3339(when, date < 0 ? wall_ns() : date * 1000000000);
	r = set(image, "created", json_string(when), err);
	if (r == 0 && req->author)
		r = set(image, "author", json_string(req->author), err);
	if (r == 0)
		r = set(h, "created", json_string(when), err);
	if (r == 0 && req->author)
		r = set(h, "author", json_string(req->author), err);
	if (r == 0)
		r = set(h, "created_by", json_string(by), err);
	if (r == 0 && req->message)
		r = set(h, "comment", json_string(req->message), err);
	if (r == 0 && !json_is_array(list)) {
		list = json_array();
		r = set(image, "history", list, err);
	}
	if (r == 0 && json_array_append(list, h) < 0)
		r = rl_oom(err);
	json_decref(h);
	return r;
}

/* An image that tells nothing of its layers: one empty line for each, or ours would be the first's. */
static int pad_history(json_t *image, size_t n_layers, struct rl_err *err)
{
	json_t *list = json_object_get(image, "history");
	int bad = 0;

	if (json_array_size(list) > 0)
		return 0;
	list = json_array();
	for (size_t i = 0; i < n_layers; i++)
		bad |= json_array_append_new(list, json_object());
	return bad | json_object_set_new(image, "history", list) ? rl_oom(err) : 0;
}

/* An image config without layers for the platform of @req. */
static int empty_config(const struct newimage_req *req, json_t **ret, struct rl_err *err)
{
	struct platform p;
	int r = 0;

	platform_host(&p);
	if (req->platform)
		r = platform_parse(req->platform, &p, err);
	if (r < 0)
		return r;
	*ret = json_pack("{s:s, s:s, s:{}, s:{s:s, s:[]}, s:[]}", "architecture", p.arch, "os",
			 p.os, "config", "rootfs", "type", "layers", "diff_ids", "history");
	if (!*ret)
		return rl_oom(err);
	return *p.variant ? set(*ret, "variant", json_string(p.variant), err) : 0;
}

/* The layers of the image below, as its manifest has them. */
static int base_layers(const struct rl *rl, const struct image *img, json_t **ret,
		       struct rl_err *err)
{
	auto_free char *path = str_printf("images/%s/manifest.json", img->id);
	json_auto_t *j = NULL;
	json_t *list = NULL;
	int r = path ? json_read_file(rl->data_fd, path, IMAGE_MANIFEST_MAX, &j, err) : rl_oom(err);

	if (r == 0)
		r = json_get_arr(j, "layers", "manifest", &list, err);
	if (r == 0 && json_array_size(list) != img->diff_ids.n)
		r = rl_fail(err, EBADMSG, "the manifest has %zu layers, the image %zu",
			    json_array_size(list), img->diff_ids.n);
	if (r < 0)
		return rl_wrap(err, "image %.12s", img->id);
	*ret = json_incref(list);
	return 0;
}

static int is_docker(const char *format, bool *ret, struct rl_err *err)
{
	*ret = format && (strcmp(format, "docker") == 0 || strcmp(format, "v2s2") == 0);
	if (!format || *ret || strcmp(format, "oci") == 0)
		return 0;
	return rl_fail(err, EINVAL, "'--format %s': oci and docker can be had", format);
}

/* --- commit -------------------------------------------------------------------------------- */

static int add_image(const struct rl *rl, const struct session *s, int tar_fd, json_t *config,
		     json_t *layers, const struct newimage_req *req, char ret_id[65],
		     struct rl_err *err)
{
	auto_free char *name = NULL;
	json_auto_t *add = NULL, *names = json_array();
	bool docker;
	int r = is_docker(req->format, &docker, err);

	if (r == 0 && req->name)
		r = image_new_name(req->name, &name, err);
	if (r == 0 && name && json_array_append_new(names, json_string(name)) < 0)
		r = rl_oom(err);
	if (r == 0) {
		add = json_pack("{s:O, s:O, s:O, s:b}", "config", config, "layers", layers, "names",
				names, "docker", docker);
		r = add ? fetch_add(rl, s, tar_fd, add, ret_id, err) : rl_oom(err);
	}
	return r;
}

/* Everything that can be wrong with the request, before anything is done. */
static int make_config(const struct container *c, const struct newimage_req *req, bool whole,
		       json_t **ret, json_t **ret_layers, struct rl_err *err)
{
	const json_t *process = json_object_get(c->spec_json, "process");
	auto_free char *by = join_words(json_object_get(process, "args"));
	auto_image struct image img = { 0 };
	json_t *image = NULL, *config;
	int r = 0;

	*ret_layers = NULL;
	if (c->image_id[0]) {
		r = image_load(c->rl, c->image_id, &img, err);
		image = r < 0 ? NULL : json_deep_copy(img.config);
	} else {
		r = empty_config(req, &image, err);
	}
	if (r == 0 && !image)
		r = rl_oom(err);
	*ret = image;
	config = r < 0 ? NULL : json_object_get(image, "config");
	if (r == 0 && !config) {
		config = json_object();
		r = set(image, "config", config, err);
	}
	if (r == 0)
		r = take_container(c, req, config, err);
	if (r == 0)
		r = apply_changes(req, config, err);
	if (r == 0 && whole) {
		r = set(image, "rootfs", json_pack("{s:s, s:[]}", "type", "layers", "diff_ids"),
			err);
		if (r == 0)
			r = set(image, "history", json_array(), err);
		*ret_layers = json_array();
	} else if (r == 0) {
		r = base_layers(c->rl, &img, ret_layers, err);
		if (r == 0)
			r = pad_history(image, img.diff_ids.n, err);
	}
	return r < 0 ? r : add_history(image, req, by ? by : "", err);
}

static int pause_it(const struct container *c, enum monitor_type type, struct rl_err *err)
{
	const struct monitor_msg m = { .type = type };

	return control_once(c->rl, c->ctr.id, &m, err);
}

static int pack_layer(struct container *c, const struct newimage_req *req, bool whole, int fd,
		      struct rl_err *err)
{
	struct ctr_state s;
	struct rl_err why;
	bool paused = false;
	int r = life_state(c->rl, &c->ctr, &s, err);

	if (r == 0 && req->pause && s.status == CTR_RUNNING) {
		r = pause_it(c, MONITOR_PAUSE, err);
		paused = r == 0;
	}
	if (r == 0)
		r = whole ? pack_whole(c, fd, source_date(), err)
			  : pack_upper(c, fd, source_date(), err);
	if (paused && pause_it(c, MONITOR_UNPAUSE, &why) < 0)
		log_warn("'%s' stays paused: %s", c->ctr.name, why.msg);
	return r;
}

int engine_commit(struct container *c, const struct newimage_req *req, char ret_id[65],
		  struct rl_err *err)
{
	/* a copy of the image, or a folder, has no layer of its own */
	const bool whole = req->squash || !c->image_id[0] || io_exists(c->ctr.dir_fd, "rootfs");
	json_auto_t *config = NULL, *layers = NULL;
	auto_fd int fd = scratch_file(c->rl, err);
	int r = fd < 0 ? fd : make_config(c, req, whole, &config, &layers, err);

	/* a container that never ran has no writable folder yet */
	if (r == 0 && !whole && mkdirat(c->ctr.dir_fd, "upper", 0755) < 0 && errno != EEXIST)
		r = rl_fail_sys(err, errno, "create the container's folder 'upper'");
	if (r == 0)
		r = pack_layer(c, req, whole, fd, err);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = rl_fail_sys(err, errno, "read the layer");
	if (r == 0)
		r = add_image(c->rl, &c->session, fd, config, layers, req, ret_id, err);
	if (r == 0)
		events_ctr(c->rl, &c->ctr, "commit", NULL);
	return life_gone(c->rl, &c->ctr, r, err);
}

/* --- import -------------------------------------------------------------------------------- */

/* A copy in the store: it is read more than once and kept, and nobody else can write to it. */
static int settle(const struct rl *rl, int fd, struct rl_err *err)
{
	auto_fd int to = FD_NONE;
	auto_free char *chunk = NULL;
	ssize_t n;

	to = scratch_file(rl, err);
	if (to < 0)
		return to;
	chunk = malloc(1 << 20);
	if (!chunk)
		return rl_oom(err);
	while ((n = io_read_full(fd, chunk, 1 << 20)) > 0) {
		int r = io_write_all(to, chunk, (size_t)n);

		if (r < 0)
			return rl_fail_sys(err, -r, "keep the archive in '%s'", rl->data_dir);
	}
	if (n < 0)
		return rl_fail_sys(err, (int)-n, "read the archive");
	return lseek(to, 0, SEEK_SET) < 0 ? rl_fail_sys(err, errno, "read the archive")
					  : TAKE_FD(to);
}

int engine_import(const struct rl *rl, int tar_fd, const struct newimage_req *req, char ret_id[65],
		  struct rl_err *err)
{
	json_auto_t *config = NULL, *layers = json_array();
	struct session s = { .userns_fd = FD_NONE };
	auto_fd int fd = FD_NONE;
	int r = empty_config(req, &config, err);

	if (r == 0)
		r = apply_changes(req, json_object_get(config, "config"), err);
	if (r == 0)
		r = add_history(config, req, "/bin/sh -c #(nop) ADD file in /", err);
	fd = r < 0 ? r : settle(rl, tar_fd, err);
	r = fd < 0 ? fd : session_open(rl, &s, err);
	if (r < 0)
		return r;
	r = layers ? add_image(rl, &s, fd, config, layers, req, ret_id, err) : rl_oom(err);
	session_close(&s);
	if (r == 0)
		events_thing(rl, "image", "import", ret_id, req->name);
	return r;
}
