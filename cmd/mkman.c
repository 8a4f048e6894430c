/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkman.c - run by make: writes every manual page into one folder
 *
 * usage: mkman FOLDER. rl.1, a page for each command and group, and for each second name a page
 * of one line that shows the command's. The date is $SOURCE_DATE_EPOCH's, else today's.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/help.h"
#include "cmd/man.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

static void today(char date[16])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds = 0;
	time_t t = time(NULL);
	struct tm tm;

	if (epoch && parse_uint(epoch, INT64_C(1) << 40, &seconds) == 0)
		t = (time_t)seconds;
	if (!gmtime_r(&t, &tm) || strftime(date, 16, "%Y-%m-%d", &tm) == 0)
		date[0] = '\0';
}

/* @name: "" for rl itself */
static int write_page(int dir_fd, const char *name, const struct buf *b, struct rl_err *err)
{
	auto_free char *page = *name ? help_page_name(name) : strdup("rl");
	auto_free char *path = page ? str_printf("%s.1", page) : NULL;

	if (!path || !b->data)
		return rl_oom(err);
	return io_replace_file(dir_fd, path, b->data, b->len, 0644, IO_NOSYNC, err);
}

static int write_second_name(int dir_fd, const struct cmd_alias *a, struct rl_err *err)
{
	auto_free char *page = help_page_name(a->target);
	auto_buf struct buf b = { 0 };

	if (!page || buf_printf(&b, ".so man1/%s.1\n", page) < 0)
		return rl_oom(err);
	return write_page(dir_fd, a->name, &b, err);
}

static int write_all(int dir_fd, const char *date, struct rl_err *err)
{
	auto_buf struct buf overview = { 0 };
	int r = man_overview(date, &overview) < 0 ? rl_oom(err)
						  : write_page(dir_fd, "", &overview, err);

	for (const struct cmd *const *c = cmd_table; *c && r == 0; c++) {
		auto_buf struct buf b = { 0 };

		if ((*c)->hidden)
			continue;
		r = man_command(*c, date, &b) < 0 ? rl_oom(err)
						  : write_page(dir_fd, (*c)->name, &b, err);
	}
	for (const struct cmd_group *g = cmd_group_table; g->name && r == 0; g++) {
		auto_buf struct buf b = { 0 };

		r = man_group(g, date, &b) < 0 ? rl_oom(err) : write_page(dir_fd, g->name, &b, err);
	}
	for (const struct cmd_alias *a = cmd_alias_table; a->name && r == 0; a++)
		r = write_second_name(dir_fd, a, err);
	return r;
}

int main(int argc, char **argv)
{
	auto_fd int dir_fd = FD_NONE;
	struct rl_err err = { 0 };
	char date[16];
	int r = 0;

	today(date);
	if (argc != 2)
		r = rl_fail(&err, EINVAL, "usage: mkman FOLDER");
	else
		dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && dir_fd < 0)
		r = rl_fail_sys(&err, errno, "open '%s'", argv[1]);
	if (r == 0)
		r = write_all(dir_fd, date, &err);
	if (r < 0)
		rl_report(&err);
	return r < 0;
}
