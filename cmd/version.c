/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.c - `rl version`: what this program is
 *
 * The layout is Podman's, because scripts read it: {{.Client.Version}}. There is no server; for
 * docker's {{.Server.Version}} the same is shown, since rl does both parts itself.
 */
#include "config.h"

#include "cmd/version.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "storage/platform.h"

struct version_opts {
	const char *format;
};

static const struct opt version_options[] = {
	OPT_STR('f', "format", struct version_opts, format, "FORMAT", "json, or a Go template"),
	OPT_END,
};

json_t *version_json(void)
{
	struct platform p;
	auto_free char *os_arch = NULL;

	platform_host(&p);
	os_arch = str_printf("%s/%s", p.os, p.arch);
	if (!os_arch)
		return NULL;
	/* when it was built is not recorded: the same source makes the same program */
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s}", "Version",
			 PACKAGE_VERSION, "APIVersion", PACKAGE_VERSION, "GoVersion", "",
			 "GitCommit", "", "BuiltTime", "", "Built", 0, "OsArch", os_arch, "Os",
			 p.os, "Arch", p.arch);
}

/* Podman's {{.Version}} beside {{.Client.Version}}, and Docker's names */
static json_t *template_rows(json_t *client)
{
	json_auto_t *top = json_copy(client), *more = json_copy(client);
	struct utsname u;
	int bad = uname(&u) < 0;

	bad |= json_object_update_new(
		more, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:{s:s}}", "DefaultAPIVersion",
				PACKAGE_VERSION, "MinAPIVersion", PACKAGE_VERSION, "BuildTime", "",
				"Context", "default", "KernelVersion", u.release, "Experimental", 0,
				"BuildOrigin", "", "Platform", "Name", "rl"));
	bad |= json_object_set(top, "Client", more);
	bad |= json_object_set(top, "Server", more);
	return bad ? NULL : json_pack("[O]", top);
}

static int version(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct version_opts *o = opts;
	json_auto_t *client = version_json(), *j = NULL, *rows = NULL;
	const struct format f = { .text = format_asked(o->format) };
	auto_buf struct buf out = { 0 };
	int r;

	(void)rl;
	(void)args;
	j = client ? json_pack("{s:O}", "Client", client) : NULL;
	if (!j)
		return rl_oom(err);
	if (!f.text) {
		r = buf_printf(&out, "Client:       rl\nVersion:      %s\nOS/Arch:      %s\n",
			       PACKAGE_VERSION,
			       json_string_value(json_object_get(client, "OsArch")));
		r = r < 0 ? rl_oom(err) : 0;
	} else if (format_is_json(o->format)) {
		r = format_json(j, &out, err);
	} else {
		rows = template_rows(client);
		r = rows ? format_rows(&f, rows, &out, err) : rl_oom(err);
	}
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_version = {
	.name = "version",
	.args = "",
	.summary = "Show the version",
	.about = "Prints the version of rl and its platform.",
	.examples = {
		{ "rl version", "All of it." },
		{ "rl version --format '{{.Client.Version}}'", "The version alone." },
	},
	.options = version_options,
	.opts_size = sizeof(struct version_opts),
	.no_dirs = true,
	.run = version,
};
