/* SPDX-License-Identifier: Apache-2.0 */
/* strv.c - a growing list of strings; the header is the manual */
#include "config.h"

#include "core/base/strv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"

int strv_take(struct strv *l, char *s)
{
	auto_free char *own = s;
	char **v;

	if (!own)
		return -ENOMEM;
	/* grow by doubling: capacity is the power of two at or above n + 1 */
	if (!l->v || ((l->n + 1) & l->n) == 0) {
		size_t cap = (l->n + 1) * 2;

		v = reallocarray(l->v, cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		l->v = v;
	}
	l->v[l->n++] = TAKE_PTR(own);
	l->v[l->n] = NULL;
	return 0;
}

int strv_add(struct strv *l, const char *s)
{
	return strv_take(l, strdup(s));
}

int strv_addn(struct strv *l, const char *s, size_t len)
{
	return strv_take(l, strndup(s, len));
}

int strv_split(struct strv *l, const char *s, char sep)
{
	for (;;) {
		const char *e = strchrnul(s, sep);

		if (strv_addn(l, s, (size_t)(e - s)) < 0)
			return -ENOMEM;
		if (!*e)
			return 0;
		s = e + 1;
	}
}

int strv_copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0, n = from->n; i < n; i++) /* @to may be @from */
		if (strv_add(to, from->v[i]) < 0)
			return -ENOMEM;
	return 0;
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

int strv_setenv(struct strv *l, const char *entry)
{
	size_t k = strcspn(entry, "=");

	for (size_t i = 0; i < l->n; i++) {
		if (strncmp(l->v[i], entry, k) == 0 && (l->v[i][k] == '=' || l->v[i][k] == '\0')) {
			char *s = strdup(entry);

			if (!s)
				return -ENOMEM;
			free(l->v[i]);
			l->v[i] = s;
			return 0;
		}
	}
	return strv_add(l, entry);
}

const char *strv_getenv(const struct strv *l, const char *key)
{
	size_t k = strlen(key);

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], key, k) == 0 && l->v[i][k] == '=')
			return l->v[i] + k + 1;
	return NULL;
}

void strv_done(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){ 0 };
}
