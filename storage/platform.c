/* SPDX-License-Identifier: Apache-2.0 */
/* platform.c - names of machines, and which of several builds runs here; the header is the manual */
#include "config.h"

#include "storage/platform.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/base/cleanup.h"
#include "core/base/strv.h"

/* Other names of the same thing, as uname(2), Debian and Go have them. */
static const struct {
	const char *alias, *arch, *variant;
} aliases[] = {
	{ "x86_64", "amd64", NULL },
	{ "x86-64", "amd64", NULL },
	{ "i386", "386", NULL },
	{ "i486", "386", NULL },
	{ "i586", "386", NULL },
	{ "i686", "386", NULL },
	{ "aarch64", "arm64", NULL },
	{ "armv8l", "arm", "v7" },
	{ "armv7l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },
	{ "armv5tel", "arm", "v5" },
	{ "armv5tejl", "arm", "v5" },
	{ "armhf", "arm", "v7" },
	{ "armel", "arm", "v6" },
	{ "powerpc64le", "ppc64le", NULL },
	{ "loongarch64", "loong64", NULL },
};

static const char *const known_archs[] = { "386",     "amd64",   "arm",    "arm64",    "loong64",
					   "mips",    "mipsle",  "mips64", "mips64le", "ppc64",
					   "ppc64le", "riscv64", "s390x",  "wasm" };
static const char *const known_oses[] = { "linux",   "windows", "darwin",  "freebsd",
					  "netbsd",  "openbsd", "solaris", "aix",
					  "android", "js",      "wasip1" };

static bool listed(const char *const *v, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i], s) == 0)
			return true;
	return false;
}

/* Copy in lower case; false when it is too long or holds other bytes than a-z 0-9 . _ - */
static bool copy_word(char out[32], const char *s)
{
	size_t n = 0;

	for (; *s; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;

		if (n + 1 >= 32 || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
				     c == '_' || c == '-'))
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static void set_word(char out[32], const char *s)
{
	(void)snprintf(out, 32, "%s", s); /* only our own short constants */
}

static void normalize(struct platform *p)
{
	char v[32];

	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcmp(p->arch, aliases[i].alias) != 0)
			continue;
		set_word(p->arch, aliases[i].arch);
		if (aliases[i].variant && !*p->variant)
			set_word(p->variant, aliases[i].variant);
		break;
	}
	if (*p->variant >= '0' && *p->variant <= '9' && strlen(p->variant) < 31) {
		memcpy(v, p->variant, sizeof(v));
		(void)snprintf(p->variant, sizeof(p->variant), "v%.30s", v); /* fits, see above */
	}
	if ((strcmp(p->arch, "arm64") == 0 && strcmp(p->variant, "v8") == 0) ||
	    (strcmp(p->arch, "amd64") == 0 && strcmp(p->variant, "v1") == 0))
		*p->variant = '\0';
	if (strcmp(p->arch, "arm") == 0 && !*p->variant)
		set_word(p->variant, "v7");
}

void platform_set(struct platform *p, const char *os, const char *arch, const char *variant)
{
	if (!copy_word(p->os, os ? os : "") || !*p->os)
		set_word(p->os, "unknown");
	if (!copy_word(p->arch, arch ? arch : "") || !*p->arch)
		set_word(p->arch, "unknown");
	if (!copy_word(p->variant, variant ? variant : ""))
		set_word(p->variant, "unknown");
	normalize(p);
}

void platform_host(struct platform *p)
{
	struct utsname u;

	(void)uname(&u); /* fails only for a bad pointer */
	platform_set(p, "linux", u.machine, NULL);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (strcmp(p->arch, "mips") == 0 || strcmp(p->arch, "mips64") == 0)
		platform_set(p, "linux", strcmp(p->arch, "mips") == 0 ? "mipsle" : "mips64le",
			     NULL);
#endif
}

static bool is_arch(const char *s)
{
	struct platform p;

	platform_set(&p, "linux", s, NULL);
	return listed(known_archs, ARRAY_LEN(known_archs), p.arch);
}

/* The parts of the text to the three fields; a single word is a machine or a system. */
static int assign(const struct strv *parts, struct platform *p)
{
	struct platform host;

	platform_host(&host);
	if (parts->n > 1) {
		platform_set(p, parts->v[0], parts->v[1], parts->n > 2 ? parts->v[2] : NULL);
		return 0;
	}
	if (is_arch(parts->v[0])) {
		platform_set(p, "linux", parts->v[0], NULL);
		return 0;
	}
	platform_set(p, parts->v[0], host.arch, host.variant);
	return 0;
}

int platform_parse(const char *s, struct platform *ret, struct rl_err *err)
{
	auto_strv struct strv parts = { 0 };
	struct platform p;
	const char *wrong = NULL;

	if (strv_split(&parts, s, '/') < 0 || assign(&parts, &p) < 0)
		return rl_oom(err);
	if (parts.n > 3)
		return rl_fail(err, EINVAL, "platform '%s': more than os/arch/variant", s);
	for (size_t i = 0; i < parts.n; i++) {
		char word[32];

		if (!*parts.v[i] || !copy_word(word, parts.v[i]))
			wrong = parts.v[i];
	}
	if (!wrong && !listed(known_oses, ARRAY_LEN(known_oses), p.os))
		wrong = parts.v[0];
	if (!wrong && !listed(known_archs, ARRAY_LEN(known_archs), p.arch))
		wrong = parts.v[parts.n > 1];
	if (wrong) {
		rl_fail(err, EINVAL,
			"platform '%s': '%s' is no system, machine or variant that "
			"images name",
			s, wrong);
		return rl_hint(err, "write it as linux/amd64, linux/arm64 or linux/arm/v7");
	}
	*ret = p;
	return 0;
}

void platform_print(const struct platform *p, char out[PLATFORM_TEXT_MAX])
{
	(void)snprintf(out, PLATFORM_TEXT_MAX, "%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "",
		       p->variant); /* three words of 31 fit */
}

/* "v8" is 80, "v8.2" is 82; "" is what the machine starts with; -1: some other word. */
static int level(const struct platform *p)
{
	const char *v = p->variant;

	if (!*v)
		return strcmp(p->arch, "arm64") == 0 ? 80 : strcmp(p->arch, "amd64") == 0 ? 10 : 0;
	if (v[0] != 'v' || v[1] < '0' || v[1] > '9')
		return -1;
	if (!v[2])
		return (v[1] - '0') * 10;
	return v[2] == '.' && v[3] >= '0' && v[3] <= '9' && !v[4] ? (v[1] - '0') * 10 + v[3] - '0'
								  : -1;
}

int platform_score(const struct platform *have, const struct platform *want)
{
	int h, w;

	if (strcmp(have->os, want->os) != 0 || strcmp(have->arch, want->arch) != 0 ||
	    strcmp(have->arch, "unknown") == 0)
		return 0;
	if (strcmp(have->variant, want->variant) == 0)
		return 1000;
	h = level(have);
	w = level(want);
	return h < 0 || w < 0 || h > w ? 0 : 1 + h;
}

int platform_best(const struct platform *v, size_t n, const struct platform *want)
{
	int best = 0, at = -ENOENT;

	for (size_t i = 0; i < n; i++) {
		int s = platform_score(&v[i], want);

		if (s > best) {
			best = s;
			at = (int)i;
		}
	}
	return at;
}
