/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c - `rl doctor`: what of this machine rl can use, by trial, and what mends the rest
 *
 * Theory of operation: each part (doctor_ids.c and kin) tries its things for real, in child processes
 * with namespaces of their own, in a temporary folder where the store is or would be, in a scope that
 * ends with its process; what a trial makes goes with it, and nothing else is written. One that hangs
 * is left out and told (doctor_watch.c). A finding tells
 * what it takes away; the worst one is the exit status. The lines that mend things are printed, never run.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/doctor.h"
#include "cmd/format.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/proc.h"

struct doctor_opts {
	bool json, network, quiet;
};

static const struct opt doctor_options[] = {
	OPT_BOOL(0, "json", struct doctor_opts, json, "print one JSON object"),
	OPT_BOOL(0, "network", struct doctor_opts, network,
		 "also see whether the registries can be reached"),
	OPT_BOOL('q', "quiet", struct doctor_opts, quiet, "print only what is not ok"),
	OPT_END,
};

static const char *const status_names[] = { "ok", "degraded", "missing", "skipped" };
static const char *const effect_names[] = { "none", "degraded", "broken" };
static const char *const result_names[] = { "ok", "degraded", "broken" };

/* --- findings ------------------------------------------------------------------------------ */

RL_PRINTF(3, 0)
static void add(struct doctor *d, struct finding f, const char *fmt, va_list args)
{
	struct finding *v = realloc(d->v, (d->n + 1) * sizeof(*v));
	char text[2048];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	if (v)
		d->v = v;
	f.text = strdup(text);
	if (!v || !f.text) {
		free(f.text);
		d->oom = true;
		return;
	}
	d->v[d->n++] = f;
}

void doctor_ok(struct doctor *d, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(d, (struct finding){ .name = name, .status = DOCTOR_OK }, fmt, args);
	va_end(args);
}

void doctor_missing(struct doctor *d, const char *name, enum doctor_effect effect, const char *fmt,
		    ...)
{
	va_list args;

	va_start(args, fmt);
	add(d, (struct finding){ .name = name, .status = DOCTOR_MISSING, .effect = effect }, fmt,
	    args);
	va_end(args);
}

void doctor_degraded(struct doctor *d, const char *name, enum doctor_effect effect, const char *to,
		     const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(d,
	    (struct finding){ .name = name, .to = to, .status = DOCTOR_DEGRADED, .effect = effect },
	    fmt, args);
	va_end(args);
}

void doctor_skipped(struct doctor *d, const char *name, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(d, (struct finding){ .name = name, .status = DOCTOR_SKIPPED }, fmt, args);
	va_end(args);
}

void doctor_fix(struct doctor *d, const char *fmt, ...)
{
	char text[1024], *sudo;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	while (d->rl->uid == 0 && (sudo = strstr(text, "sudo ")))
		memmove(sudo, sudo + 5, strlen(sudo + 5) + 1);
	if (*text && d->n > 0 && strv_add(&d->v[d->n - 1].fixes, text) < 0)
		d->oom = true;
}

bool doctor_fix_copy(struct doctor *d, const char *file, const char *to, const char *then)
{
	struct rl_err ignored;
	auto_free char *path = proc_find_data(file, &ignored);

	if (path)
		doctor_fix(d, "sudo install -D -m 644 %s %s && %s", path, to, then);
	return path != NULL;
}

void doctor_fix_sysctl(struct doctor *d, const char *file, const char *key, const char *value)
{
	auto_free char *from = str_printf("sysctl/%s", file);
	auto_free char *to = str_printf("/etc/sysctl.d/%s", file);

	doctor_fix(d, "echo '%s = %s' | sudo tee -a %s && sudo sysctl --system", key, value,
		   to ? to : file);
	if (from && to)
		(void)doctor_fix_copy(d, from, to, "sudo sysctl --system"); /* not installed */
}

static void done(struct doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].text);
		strv_done(&d->v[i].fixes);
	}
	free(d->v);
	if (d->has_session)
		session_close(&d->session);
}

/* --- the report ----------------------------------------------------------------------------- */

static enum doctor_effect worst(const struct doctor *d)
{
	enum doctor_effect e = DOCTOR_NONE;

	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].effect > e)
			e = d->v[i].effect;
	return e;
}

static json_t *finding_json(const struct finding *f)
{
	json_t *fixes = json_array();

	for (size_t i = 0; i < f->fixes.n; i++)
		if (json_array_append_new(fixes, json_string(f->fixes.v[i])) < 0) {
			json_decref(fixes);
			return NULL;
		}
	return json_pack("{s:s, s:s, s:s, s:s*, s:s, s:o}", "name", f->name, "status",
			 status_names[f->status], "effect", effect_names[f->effect], "to", f->to,
			 "text", f->text, "fix", fixes);
}

static int as_json(const struct doctor *d, struct buf *out, struct rl_err *err)
{
	json_auto_t *j = NULL;
	json_t *checks = json_array();

	for (size_t i = 0; i < d->n; i++)
		if (json_array_append_new(checks, finding_json(&d->v[i])) < 0) {
			json_decref(checks);
			return rl_oom(err);
		}
	j = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s*, s:s*, s:o}", "status",
		      result_names[worst(d)], "version", PACKAGE_VERSION, "distribution", "id",
		      d->distro.id, "version", d->distro.version, "codename", d->distro.codename,
		      "store", d->rl->data_dir, "runtime", d->rl->run_dir, "checks", checks);
	return j ? format_json(j, out, err) : rl_oom(err);
}

static int finding_text(const struct finding *f, struct buf *out)
{
	int r = buf_printf(out, "%-9s %-19s %s%s%s%s\n", status_names[f->status], f->name,
			   f->to ? "to " : "", f->to ? f->to : "", f->to ? ": " : "", f->text);

	for (size_t i = 0; i < f->fixes.n && r == 0; i++)
		r = buf_printf(out, "%*s-> %s\n", 30, "", f->fixes.v[i]);
	return r;
}

static int as_text(const struct doctor *d, bool quiet, struct buf *out, struct rl_err *err)
{
	static const char *const results[] = {
		"all that rl needs is there",
		"containers run here, with what is named above degraded",
		"containers cannot run here until what is named above is mended",
	};
	int r = 0;

	for (size_t i = 0; i < d->n && r == 0; i++)
		if (!quiet || d->v[i].effect != DOCTOR_NONE)
			r = finding_text(&d->v[i], out);
	if (r == 0 && (!quiet || worst(d) != DOCTOR_NONE))
		r = buf_printf(out, "%s\n", results[worst(d)]);
	return r < 0 ? rl_oom(err) : 0;
}

/* In a child (doctor_watch.c). Return: the worst effect, or -errno */
static int look(struct doctor *d, void *arg, struct buf *out, struct rl_err *err)
{
	const struct doctor_opts *o = arg;
	int r;

	distro_read(&d->distro);
	kernel_try(NULL, d->kernel);
	doctor_ids(d);
	doctor_kernel(d);
	doctor_store(d);
	doctor_limits(d);
	doctor_net(d, o->network);
	if (d->oom)
		return rl_oom(err);
	r = o->json ? as_json(d, out, err) : as_text(d, o->quiet, out, err);
	r = r < 0 ? r : (int)worst(d);
	done(d);
	return r;
}

static int doctor(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	struct doctor d = { .rl = rl, .tell_fd = FD_NONE };
	struct doctor_opts o = *(const struct doctor_opts *)opts;
	auto_buf struct buf out = { 0 };
	int effect, r;

	(void)args;
	effect = doctor_watch(&d, look, &o, &out, err);
	strv_done(&d.silent);
	if (effect < 0)
		return effect;
	r = format_print(&out, err);
	return r < 0 ? r : effect;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "See what of this machine rl can use, and how to mend the rest",
	.about = "Tries what containers need, each for real: user namespaces and id maps, the way to "
		 "mount layers where the store is, the network device, limits, what the kernel and what "
		 "is around rl allow. For each it prints ok, degraded and to what, or missing; why; and the "
		 "line that mends it on this distribution.\n\n"
		 "It changes nothing and runs none of these lines. Names of checks, and the keys of "
		 "--json (status, checks[].name, status, effect, to, text, fix), stay as they are.",
	.examples = {
		{ "rl doctor", "Look at everything." },
		{ "rl doctor -q", "Say only what is not as it should be." },
		{ "rl doctor --json --network", "For a script, with the registries." },
	},
	.exits = {
		{ "0", "all that rl needs is there" },
		{ "1", "containers run, with something degraded" },
		{ "2", "containers cannot run" },
	},
	.options = doctor_options,
	.opts_size = sizeof(struct doctor_opts),
	.look_only = true,
	.run = doctor,
};
