/* SPDX-License-Identifier: Apache-2.0 */
/* detach.c - the keys by which a client leaves; the header is the manual */
#include "config.h"

#include "core/detach.h"

#include <errno.h>
#include <string.h>

/* The byte that a key sends, or -1. */
static int key_byte(const char *s, size_t n)
{
	if (n == 1 && *s > ' ' && *s < 127)
		return *s;
	if (n != 6 || strncmp(s, "ctrl-", 5) != 0)
		return -1;
	if ((s[5] >= 'a' && s[5] <= 'z') || strchr("@^[\\]_", s[5]))
		return s[5] & 0x1f;
	return -1;
}

int detach_parse(const char *text, struct detach *ret, struct rl_err *err)
{
	struct detach d = { .n = 0 };

	for (const char *s = text; *text;) {
		size_t len = strcspn(s, ",");
		int byte = key_byte(s, len);

		if (byte < 0) {
			rl_fail(err, EINVAL, "invalid detach key '%.*s' in '%.80s'",
				(int)(len < 80 ? len : 80), s, text);
			return rl_hint(err, "a key is one character, or ctrl- and one of a-z @ ^ [ "
					    "\\ ] _; an empty text turns detaching off");
		}
		if (d.n == DETACH_KEYS_MAX)
			return rl_fail(err, EINVAL, "more than %d detach keys: '%.80s'",
				       DETACH_KEYS_MAX, text);
		d.keys[d.n++] = (char)byte;
		if (!s[len])
			break;
		s += len + 1;
	}
	*ret = d;
	return 0;
}

bool detach_feed(struct detach *d, const char *in, size_t n, char *out, size_t *ret_n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		/* what is held back and does not go on loses its first byte until it does */
		while (d->matched > 0 && in[i] != d->keys[d->matched]) {
			size_t shift = 1;

			while (memcmp(d->keys, d->keys + shift, d->matched - shift) != 0)
				shift++;
			memcpy(out + k, d->keys, shift);
			k += shift;
			d->matched -= shift;
		}
		if (d->n == 0 || in[i] != d->keys[d->matched]) {
			out[k++] = in[i];
			continue;
		}
		if (++d->matched == d->n) {
			d->matched = 0;
			*ret_n = k;
			return true;
		}
	}
	*ret_n = k;
	return false;
}
