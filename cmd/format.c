/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - ages, sizes, tables, --format; the header is the manual */
#include "config.h"

#include "cmd/format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/template.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

/* --- ages and sizes ---------------------------------------------------------------------- */

static void say(char out[FORMAT_TEXT_MAX], int64_t n, const char *unit)
{
	(void)snprintf(out, FORMAT_TEXT_MAX, "%lld %s", (long long)n, unit);
}

void format_age(char out[FORMAT_TEXT_MAX], int64_t age_ns)
{
	int64_t s = age_ns / 1000000000, m = s / 60, h = (s + 1800) / 3600;

	if (s < 1)
		(void)snprintf(out, FORMAT_TEXT_MAX, "Less than a second");
	else if (s < 60)
		say(out, s, s == 1 ? "second" : "seconds");
	else if (m == 1)
		(void)snprintf(out, FORMAT_TEXT_MAX, "About a minute");
	else if (m < 60)
		say(out, m, "minutes");
	else if (h == 1)
		(void)snprintf(out, FORMAT_TEXT_MAX, "About an hour");
	else if (h < 48)
		say(out, h, "hours");
	else if (h < 24 * 14)
		say(out, h / 24, "days");
	else if (h < 24 * 60)
		say(out, h / 24 / 7, "weeks");
	else if (h < 24 * 730)
		say(out, h / 24 / 30, "months");
	else
		say(out, h / 24 / 365, "years");
}

/* @whole and @part of it in units of 10^-digits, without trailing zeros */
static int fraction(char *out, size_t room, int64_t whole, int64_t part, int digits)
{
	while (digits > 0 && part % 10 == 0) {
		part /= 10;
		digits--;
	}
	return digits == 0 ? snprintf(out, room, "%lld", (long long)whole)
			   : snprintf(out, room, "%lld.%0*lld", (long long)whole, digits,
				      (long long)part);
}

void format_duration(char out[FORMAT_TEXT_MAX], int64_t ns)
{
	int64_t s = ns / 1000000000;
	int n = 0;

	if (ns <= 0) {
		(void)snprintf(out, FORMAT_TEXT_MAX, "0s");
	} else if (ns < 1000000) {
		n = fraction(out, FORMAT_TEXT_MAX, ns / 1000, ns % 1000, 3);
		(void)snprintf(out + n, FORMAT_TEXT_MAX - (size_t)n, "µs");
	} else if (ns < 1000000000) {
		n = fraction(out, FORMAT_TEXT_MAX, ns / 1000000, ns % 1000000, 6);
		(void)snprintf(out + n, FORMAT_TEXT_MAX - (size_t)n, "ms");
	} else {
		if (s >= 3600)
			n += snprintf(out, FORMAT_TEXT_MAX, "%lldh", (long long)(s / 3600));
		if (s >= 60)
			n += snprintf(out + n, FORMAT_TEXT_MAX - (size_t)n, "%lldm",
				      (long long)(s / 60 % 60));
		n += fraction(out + n, FORMAT_TEXT_MAX - (size_t)n, s % 60, ns % 1000000000, 9);
		(void)snprintf(out + n, FORMAT_TEXT_MAX - (size_t)n, "s");
	}
}

void format_size(char out[FORMAT_TEXT_MAX], int64_t bytes, int digits, const char *space)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes, limit = digits == 3 ? 999.5 : 999.95;
	size_t u = 0;

	/* the limit is where rounding would give four digits before the point */
	for (; v >= limit && u + 1 < ARRAY_LEN(units); u++)
		v /= 1000;
	(void)snprintf(out, FORMAT_TEXT_MAX, "%.*g%s%s", digits, v, space, units[u]);
}

/* --- tables ------------------------------------------------------------------------------ */

int table_add(struct table *t, const char *cell)
{
	return strv_add(&t->cells, cell);
}

void table_done(struct table *t)
{
	strv_done(&t->cells);
}

/* Characters, not bytes: what UTF-8 continues does not count. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int print_row(const struct table *t, size_t row, const size_t *widths, struct buf *out)
{
	int r = 0;

	for (size_t c = 0; c < t->columns && r == 0; c++) {
		const char *cell = t->cells.v[row * t->columns + c];

		r = buf_str(out, cell);
		if (r == 0 && c + 1 < t->columns)
			r = buf_printf(out, "%*s", (int)(widths[c] - width(cell) + 2), "");
	}
	return r < 0 ? r : buf_str(out, "\n");
}

int table_print(const struct table *t, struct buf *out)
{
	size_t rows = t->columns ? t->cells.n / t->columns : 0;
	auto_free size_t *widths = calloc(t->columns + 1, sizeof(*widths));
	int r = 0;

	if (!widths)
		return -ENOMEM;
	for (size_t i = 0; i < rows * t->columns; i++) {
		size_t w = width(t->cells.v[i]);

		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	for (size_t i = 0; i < rows && r == 0; i++)
		r = print_row(t, i, widths, out);
	return r;
}

/* --- templates --------------------------------------------------------------------------- */

bool format_is_json(const char *text)
{
	size_t n;

	if (!text)
		return false;
	text += strspn(text, " ");
	n = strcspn(text, " ");
	return n == 4 && strncmp(text, "json", n) == 0 && !text[n + strspn(text + n, " ")];
}

const char *format_asked(const char *text)
{
	if (!text || !*text || (strncmp(text, "table", 5) == 0 && !text[5 + strspn(text + 5, " ")]))
		return NULL;
	return text;
}

int format_json(const json_t *j, struct buf *out, struct rl_err *err)
{
	auto_free char *text = json_dumps(j, JSON_INDENT(4));

	if (!text || buf_str(out, text) < 0 || buf_str(out, "\n") < 0)
		return rl_oom(err);
	return 0;
}

/* The user's "\t" and "\n" in two characters become the byte they mean. */
static char *unescape(const char *s)
{
	auto_buf struct buf b = { 0 };
	int r = 0;

	for (; *s && r == 0; s++) {
		char c = *s;

		if (c == '\\' && (s[1] == 't' || s[1] == 'n'))
			c = *++s == 't' ? '\t' : '\n';
		r = buf_add(&b, &c, 1);
	}
	return r < 0 ? NULL : buf_take(&b);
}

/* Lines of @text with tabs between columns become rows as wide as the widest has columns. */
static int align(const char *text, struct buf *out)
{
	auto_strv struct strv lines = { 0 };
	auto_table struct table t = { 0 };
	int r = strv_split(&lines, text, '\n');

	for (size_t i = 0; i < lines.n; i++) {
		size_t n = 1;

		for (const char *p = lines.v[i]; *p; p++)
			n += *p == '\t';
		if (n > t.columns)
			t.columns = n;
	}
	/* what follows the last newline is no line */
	for (size_t i = 0; i + 1 < lines.n && r == 0; i++) {
		size_t before = t.cells.n;

		r = strv_split(&t.cells, lines.v[i], '\t');
		while (r == 0 && t.cells.n < before + t.columns)
			r = table_add(&t, "");
	}
	return r < 0 ? r : table_print(&t, out);
}

static int run_rows(const struct format *f, const struct tmpl *t, bool heading, json_t *rows,
		    struct buf *out, struct rl_err *err)
{
	json_t *row;
	size_t i;
	int r = 0;

	if (heading) {
		r = tmpl_headers(t, f->headers, out, err);
		if (r == 0 && buf_str(out, "\n") < 0)
			r = rl_oom(err);
	}
	json_array_foreach (rows, i, row) {
		if (r == 0)
			r = tmpl_run(t, row, f->map_names, out, err);
		if (r == 0 && buf_str(out, "\n") < 0)
			r = rl_oom(err);
	}
	return r;
}

int format_rows(const struct format *f, json_t *rows, struct buf *out, struct rl_err *err)
{
	const char *text = f->text;
	bool is_table = strncmp(text, "table ", 6) == 0 || strcmp(text, "table") == 0;
	auto_free char *plain = NULL;
	auto_buf struct buf lines = { 0 };
	struct tmpl *t = NULL;
	int r;

	if (format_is_json(text))
		return format_json(rows, out, err);
	if (is_table)
		text += 5 + strspn(text + 5, " ");
	plain = unescape(text);
	if (!plain)
		return rl_oom(err);
	/* columns are also what a space divides, as in Podman; elsewhere a space stays one */
	for (char *p = plain; is_table && (p = strstr(p, "}} {{"));)
		p[2] = '\t';
	r = tmpl_parse(plain, &t, err);
	if (r < 0)
		return rl_wrap(err, "--format");
	if (strncmp(plain, "{{range .}}", 11) == 0) /* the whole list in one, as Podman takes it */
		r = tmpl_run(t, rows, f->map_names, &lines, err);
	else
		r = run_rows(f, t, is_table && !f->no_heading, rows, &lines, err);
	tmpl_free(t);
	if (r < 0)
		return rl_wrap(err, "--format");
	if (lines.len == 0)
		return 0;
	r = is_table ? align(lines.data, out) : buf_add(out, lines.data, lines.len);
	return r < 0 ? rl_oom(err) : 0;
}

/* --- stdout ------------------------------------------------------------------------------ */

/* A copy fit for a terminal: only line ends and tabs are left of all control bytes. */
static int clean_copy(const struct buf *from, struct buf *to)
{
	const char *p = from->data;
	int r = 0;

	while (*p && r == 0) {
		size_t n = strcspn(p, "\n\t");
		auto_free char *piece = strndup(p, n);

		if (!piece)
			return -ENOMEM;
		log_clean(piece);
		r = buf_str(to, piece);
		p += n;
		if (*p && r == 0)
			r = buf_add(to, p++, 1);
	}
	return r;
}

int format_print(const struct buf *out, struct rl_err *err)
{
	auto_buf struct buf clean = { 0 };
	const struct buf *b = out;
	int r;

	if (out->len == 0)
		return 0;
	if (isatty(STDOUT_FILENO)) {
		if (clean_copy(out, &clean) < 0)
			return rl_oom(err);
		b = &clean;
	}
	r = io_write_all(STDOUT_FILENO, b->data, b->len);
	return r < 0 ? rl_fail_sys(err, -r, "write to stdout") : 0;
}
