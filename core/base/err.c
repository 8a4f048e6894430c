/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - the one error type; the header is the manual */
#include "config.h"

#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"

static RL_PRINTF(3, 0) int set(struct rl_err *err, int code, const char *fmt, va_list ap)
{
	*err = (struct rl_err){ .code = code > 0 ? code : EINVAL };
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	return -err->code;
}

int rl_fail(struct rl_err *err, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set(err, code, fmt, ap);
	va_end(ap);
	return r;
}

int rl_fail_sys(struct rl_err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	int r;

	va_start(ap, fmt);
	r = set(err, code, fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(err->code));
	return r;
}

int rl_oom(struct rl_err *err)
{
	return rl_fail(err, ENOMEM, "out of memory");
}

int rl_wrap(struct rl_err *err, const char *fmt, ...)
{
	char step[sizeof(err->msg)];
	va_list ap;
	size_t n, room;

	va_start(ap, fmt);
	(void)vsnprintf(step, sizeof(step), fmt, ap);
	va_end(ap);
	n = strlen(step);
	if (n + 2 >= sizeof(step))
		return -err->code; /* no room for news: the cause matters more */
	room = sizeof(step) - n;
	(void)snprintf(step + n, room, ": %.*s", (int)(room - 3), err->msg);
	memcpy(err->msg, step, sizeof(step));
	return -err->code;
}

int rl_hint(struct rl_err *err, const char *fmt, ...)
{
	va_list ap;

	if (err->hint[0])
		return -err->code;
	va_start(ap, fmt);
	(void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return -err->code;
}

void rl_report(const struct rl_err *err)
{
	log_line("Error: ", err->msg);
	if (err->hint[0])
		log_line("Hint: ", err->hint);
}
