/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - the one error type; the header is the manual */
#include "config.h"

#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"

/* Arguments may point into @err: it is written last. The last @keep bytes of msg are left free. */
static RL_PRINTF(4, 0) int set(struct rl_err *err, int code, size_t keep, const char *fmt,
			       va_list ap)
{
	char msg[sizeof(err->msg)];

	(void)vsnprintf(msg, sizeof(msg) - keep, fmt, ap);
	*err = (struct rl_err){ .code = code > 0 ? code : EINVAL };
	(void)snprintf(err->msg, sizeof(err->msg), "%s", msg);
	return -err->code;
}

int rl_fail(struct rl_err *err, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set(err, code, 0, fmt, ap);
	va_end(ap);
	return r;
}

int rl_fail_sys(struct rl_err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	int r;

	va_start(ap, fmt);
	r = set(err, code, 128, fmt, ap); /* room for strerror() */
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
	size_t n;

	va_start(ap, fmt);
	(void)vsnprintf(step, sizeof(step), fmt, ap);
	va_end(ap);
	n = strlen(step);
	if (n + strlen(err->msg) + 3 > sizeof(step))
		return -err->code; /* no room for news: the cause matters more */
	(void)snprintf(step + n, sizeof(step) - n, ": %s", err->msg);
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
