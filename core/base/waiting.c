/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting.c - what SIGQUIT says; the header is the manual
 *
 * The text is static because a signal handler has nothing else to read; it is only changed while
 * SIGQUIT is blocked.
 */
#include "config.h"

#include "core/base/waiting.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"

static char text[WAITING_TEXT_MAX + 32]; /* the whole line */

static void on_quit(int signo)
{
	int e = errno;

	(void)signo;
	RL_IGNORE(write(STDERR_FILENO, text, strlen(text))); /* nobody to tell */
	errno = e;
}

static void set_text(const char *what)
{
	(void)snprintf(text, sizeof(text), "rl waits for: %s\n", what);
}

/* Block or unblock SIGQUIT; @old: what was blocked before */
static void block(sigset_t *old)
{
	sigset_t quit;

	(void)sigemptyset(&quit);
	(void)sigaddset(&quit, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &quit, old);
}

void waiting_begin(struct waiting *w, const char *fmt, ...)
{
	struct sigaction now, ours = { .sa_handler = on_quit, .sa_flags = SA_RESTART };
	char what[WAITING_TEXT_MAX];
	sigset_t old;
	va_list ap;

	if (sigaction(SIGQUIT, NULL, &now) < 0 ||
	    (now.sa_handler != SIG_DFL && now.sa_handler != on_quit))
		return; /* ignored, as under nohup: it stays so */
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	log_clean(what);
	block(&old);
	w->on = true;
	w->is_outer = now.sa_handler == SIG_DFL;
	if (!w->is_outer)
		(void)snprintf(w->before, sizeof(w->before), "%.*s",
			       (int)strcspn(text + strlen("rl waits for: "), "\n"),
			       text + strlen("rl waits for: "));
	set_text(what);
	(void)sigaction(SIGQUIT, &ours, NULL);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

void waiting_end(struct waiting *w)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t old;

	if (!w->on)
		return;
	block(&old);
	if (w->is_outer)
		(void)sigaction(SIGQUIT, &dfl, NULL);
	else
		set_text(w->before);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	w->on = false;
}
