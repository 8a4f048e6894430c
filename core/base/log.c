/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - lines on stderr; the header is the manual */
#include "config.h"

#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level level = LOG_WARN; /* the one global that STYLE allows */

void log_set_level(enum log_level l)
{
	level = l;
}

enum log_level log_get_level(void)
{
	return level;
}

/* Length of the UTF-8 sequence at @p, 0 if it is none, overlong, a surrogate or a C1 control. */
static size_t utf8_len(const unsigned char *p)
{
	size_t n = *p >= 0xf0 && *p <= 0xf4   ? 4
		   : *p >= 0xe0 && *p <= 0xef ? 3
		   : *p >= 0xc2 && *p <= 0xdf ? 2
					      : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80) /* also stops at the NUL */
			return 0;
	if ((*p == 0xc2 && p[1] < 0xa0) || (*p == 0xe0 && p[1] < 0xa0) ||
	    (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
	    (*p == 0xf4 && p[1] >= 0x90))
		return 0;
	return n;
}

void log_clean(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p;) {
		size_t n = *p < 0x80 ? *p >= 0x20 && *p != 0x7f : utf8_len(p);

		if (n == 0)
			*p = '?';
		p += n ? n : 1;
	}
}

void log_line(const char *prefix, const char *text)
{
	char line[2048];
	size_t n = strlen(prefix), len = strlen(text);
	ssize_t w;

	if (n > 64)
		n = 64;
	if (len > sizeof(line) - n - 2)
		len = sizeof(line) - n - 2;
	memcpy(line, prefix, n);
	memcpy(line + n, text, len);
	line[n + len] = '\0';
	log_clean(line + n);
	line[n + len] = '\n';
	w = write(STDERR_FILENO, line, n + len + 1);
	(void)w; /* stderr closed: nobody left to tell */
}

static RL_PRINTF(3, 0) void out(enum log_level l, const char *prefix, const char *fmt, va_list ap)
{
	char text[1536];

	if (l > level)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	log_line(prefix, text);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out(LOG_WARN, "Warning: ", fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out(LOG_DEBUG, "debug: ", fmt, ap);
	va_end(ap);
}
