/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - lines and one bar on stderr; the header is the manual */
#include "config.h"

#include "storage/image/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/io.h"
#include "core/base/log.h"

#define REDRAW_MS 100
#define BAR_WIDTH 24

void progress_size(int64_t bytes, char out[32])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	unsigned u = 0;

	while (v >= 999.5 && u < 4) {
		v /= 1000;
		u++;
	}
	(void)snprintf(out, 32, u == 0 ? "%.0f %s" : "%.3g %s", v, units[u]);
}

static void put(const char *s)
{
	ssize_t w = write(STDERR_FILENO, s, strlen(s));

	(void)w; /* nobody to tell */
}

static unsigned columns(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		return 80;
	return ws.ws_col;
}

static void wipe_line(struct progress *p)
{
	if (p->drawn)
		put("\r\033[K");
	p->drawn = false;
}

static void time_left(const struct progress *p, double rate, char out[32])
{
	int64_t s;

	out[0] = '\0';
	if (rate < 1 || p->done >= p->total)
		return;
	s = (int64_t)((double)(p->total - p->done) / rate);
	if (s < 360000)
		(void)snprintf(out, 32, ", %lld:%02lld left", (long long)(s / 60),
			       (long long)(s % 60));
}

static void draw(struct progress *p, int64_t now)
{
	char done[32], total[32], speed[32], left[32], bar[BAR_WIDTH + 1], line[512];
	double rate = 0;
	int64_t fill = p->total > 0 ? p->done * BAR_WIDTH / p->total : 0;
	unsigned cols = columns();

	if (now > p->start_ms)
		rate = (double)p->done * 1000 / (double)(now - p->start_ms);
	progress_size(p->done, done);
	progress_size(p->total, total);
	progress_size((int64_t)rate, speed);
	time_left(p, rate, left);
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '=', fill > BAR_WIDTH ? BAR_WIDTH : (size_t)fill);
	bar[BAR_WIDTH] = '\0';
	(void)snprintf(line, sizeof(line), "[%s] %s of %s, %s/s%s", bar, done, total, speed, left);
	if (cols < sizeof(line))
		line[cols - 1] = '\0'; /* a wrapped line could not be wiped */
	put("\r\033[K");
	put(line);
	p->drawn = true;
	p->drawn_ms = now;
}

void progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){ .quiet = quiet, .is_tty = isatty(STDERR_FILENO) == 1 };
}

void progress_title(struct progress *p, const char *verb, const char *what)
{
	char line[512];

	(void)snprintf(p->what, sizeof(p->what), "%s", what);
	if (p->quiet)
		return;
	wipe_line(p);
	(void)snprintf(line, sizeof(line), "%s %s...", verb, what);
	log_line("", line);
}

void progress_step(struct progress *p, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (p->quiet || p->is_tty)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_line("", line);
}

void progress_note(struct progress *p, const char *text)
{
	wipe_line(p);
	log_warn("%s", text);
}

void progress_start(struct progress *p, int64_t total)
{
	p->total = total;
	p->done = 0;
	p->start_ms = now_ms();
	p->drawn_ms = 0;
}

void progress_update(struct progress *p, int64_t done)
{
	int64_t now = now_ms();

	p->done = done > p->total ? p->total : done;
	if (p->quiet || !p->is_tty || p->total <= 0 || now - p->drawn_ms < REDRAW_MS)
		return;
	draw(p, now);
}

void progress_end(struct progress *p)
{
	wipe_line(p);
	p->total = 0;
}
