/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_rules.c - an OCI "linux.seccomp" object to BPF: libseccomp, and a prologue in front
 *
 * Theory of operation: libseccomp turns rules into a program. What it makes of refusals with
 * arguments is no use where a permission is near:
 *
 *  - "allow ioctl, but not with this request": it keeps the rule without arguments alone;
 *  - "socket: allow family 1, refuse family 38": on machines with socketcall it adds a rule for
 *    socketcall to each, finds the two contradictory, and drops the refusal on all architectures;
 *  - "refuse socketcall" is ignored when it says what the default says, although the rules for
 *    socket have just allowed it.
 *
 * Such rules ("exceptions") become a prologue in front of the program (seccomp_prologue.c): a
 * refusal with arguments always comes first, whatever else is said about the call. Programs in BPF
 * only jump forward and relative, so what libseccomp made follows unchanged.
 *
 * Sources: seccomp(2), seccomp_rule_add(3), kernel Documentation/networking/filter.rst.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/seccomp_int.h"
#include "core/seccomp_prologue.h"

#define WHAT       "seccomp"
#define ARGS_MAX   6
#define ARCHES_MAX 16
#define CALLS_MAX  512 /* numbers of 32-bit calls that were multiplexed once */

struct build {
	scmp_filter_ctx ctx;
	uint32_t default_action;
	const json_t *rules;
	uint32_t arches[ARCHES_MAX]; /* SCMP_ARCH_* */
	size_t n_arches;
	struct seccomp_prologue prologue;
};

struct rule {
	const json_t *names;
	uint32_t action;
	struct scmp_arg_cmp args[ARGS_MAX];
	unsigned n_args;
	bool repeated; /* one argument compared twice: either is enough, as other runtimes have it */
};

static int parse_action(const char *s, int64_t code, uint32_t *ret, struct rl_err *err)
{
	static const struct {
		const char *name;
		uint32_t action;
	} names[] = {
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	};

	for (size_t i = 0; s && i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, s) == 0) {
			*ret = names[i].action;
			return 0;
		}
	}
	if (s && strcmp(s, "SCMP_ACT_ERRNO") == 0)
		*ret = SCMP_ACT_ERRNO((uint32_t)code & 0xffff);
	else if (s && strcmp(s, "SCMP_ACT_TRACE") == 0)
		*ret = SCMP_ACT_TRACE((uint32_t)code & 0xffff);
	else
		return rl_fail(err, s && strcmp(s, "SCMP_ACT_NOTIFY") == 0 ? ENOTSUP : EINVAL,
			       WHAT ": action '%.40s' is not supported", s ? s : "");
	return 0;
}

static int get_action(const json_t *o, const char *key, const char *code_key, uint32_t *ret,
		      struct rl_err *err)
{
	const json_t *v = json_object_get(o, code_key);
	const char *s = NULL;
	int64_t code = EPERM;
	int r = json_get_str(o, key, WHAT, &s, err);

	if (r == 0 && v && !json_is_null(v))
		r = json_get_int(o, code_key, WHAT, &code, err);
	if (r == 0 && (code < 0 || code > 4095))
		r = rl_fail(err, EINVAL, WHAT ": '%s' is not an error number", code_key);
	return r < 0 ? r : parse_action(s, code, ret, err);
}

static int parse_op(const char *s, enum scmp_compare *ret)
{
	static const struct {
		const char *name;
		enum scmp_compare op;
	} ops[] = {
		{ "SCMP_CMP_NE", SCMP_CMP_NE },
		{ "SCMP_CMP_LT", SCMP_CMP_LT },
		{ "SCMP_CMP_LE", SCMP_CMP_LE },
		{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
		{ "SCMP_CMP_GE", SCMP_CMP_GE },
		{ "SCMP_CMP_GT", SCMP_CMP_GT },
		{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	};

	for (size_t i = 0; s && i < ARRAY_LEN(ops); i++) {
		if (strcmp(ops[i].name, s) == 0) {
			*ret = ops[i].op;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_arg(const json_t *o, struct scmp_arg_cmp *ret, struct rl_err *err)
{
	enum scmp_compare op;
	const char *s = NULL;
	int64_t index, value, two;
	int r = json_get_int(o, "index", WHAT, &index, err);

	if (r == 0)
		r = json_get_int(o, "value", WHAT, &value, err);
	if (r == 0)
		r = json_get_int(o, "valueTwo", WHAT, &two, err);
	if (r == 0)
		r = json_get_str(o, "op", WHAT, &s, err);
	if (r < 0)
		return r;
	if (index < 0 || index >= ARGS_MAX || parse_op(s, &op) < 0)
		return rl_fail(err, EINVAL, WHAT ": argument %lld compared with '%.40s'",
			       (long long)index, s ? s : "");
	*ret = (struct scmp_arg_cmp){ (unsigned)index, op, (uint64_t)value, (uint64_t)two };
	return 0;
}

static int parse_rule(const json_t *o, struct rule *ret, struct rl_err *err)
{
	struct rule rule = { 0 };
	json_t *names = NULL, *args = NULL;
	const json_t *v;
	size_t i;
	int r = json_get_arr(o, "names", WHAT, &names, err);

	if (r == 0)
		r = json_check_strings(names, WHAT, err);
	if (r == 0)
		r = get_action(o, "action", "errnoRet", &rule.action, err);
	if (r == 0)
		r = json_get_arr(o, "args", WHAT, &args, err);
	if (r < 0)
		return r;
	if (json_array_size(args) > ARGS_MAX)
		return rl_fail(err, EINVAL, WHAT ": more than %d arguments", ARGS_MAX);
	json_array_foreach (args, i, v) {
		r = parse_arg(v, &rule.args[i], err);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			rule.repeated |= rule.args[k].arg == rule.args[i].arg;
		rule.n_args++;
	}
	rule.names = names;
	*ret = rule;
	return 0;
}

/* A call that it names goes on. */
static bool lets_pass(uint32_t action)
{
	return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG;
}

/*
 * The number that a call really has. For those that socketcall and ipc also make, libseccomp
 * answers with a mark of its own (below zero); the table backwards knows better.
 */
static int number_of(uint32_t arch, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(arch, name);

	for (int n = 0; nr < 0 && nr != __NR_SCMP_ERROR && n < CALLS_MAX; n++) {
		auto_free char *s = seccomp_syscall_resolve_num_arch(arch, n);

		if (s && strcmp(s, name) == 0)
			nr = n;
	}
	return nr;
}

static int except(struct build *b, const char *name, const struct rule *rule, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < b->n_arches; i++) {
		int nr = number_of(b->arches[i], name);

		if (nr < 0)
			continue; /* not on this architecture */
		if (!rule->repeated)
			r = seccomp_prologue_add(&b->prologue, b->arches[i], nr, rule->action,
						 rule->args, rule->n_args);
		for (unsigned k = 0; r == 0 && rule->repeated && k < rule->n_args; k++)
			r = seccomp_prologue_add(&b->prologue, b->arches[i], nr, rule->action,
						 &rule->args[k], 1);
	}
	return r < 0 ? rl_fail(err, E2BIG, WHAT ": too many refusals with arguments") : 0;
}

static int add_one(struct build *b, int nr, const struct rule *rule)
{
	int r = 0;

	if (!rule->repeated)
		return seccomp_rule_add_array(b->ctx, rule->action, nr, rule->n_args,
					      rule->n_args ? rule->args : NULL);
	for (unsigned i = 0; r == 0 && i < rule->n_args; i++)
		r = seccomp_rule_add_array(b->ctx, rule->action, nr, 1, &rule->args[i]);
	return r;
}

static int add_name(struct build *b, const char *name, const struct rule *rule, struct rl_err *err)
{
	int r, nr;

	if (!lets_pass(rule->action) && (rule->n_args || strcmp(name, "socketcall") == 0))
		return except(b, name, rule, err);
	if (rule->action == b->default_action)
		return 0; /* libseccomp refuses to say it twice */
	nr = seccomp_syscall_resolve_name(name);
	if (nr == __NR_SCMP_ERROR) {
		log_debug("seccomp: libseccomp does not know '%s'", name);
		return 0;
	}
	r = add_one(b, nr, rule);
	if (r == -EEXIST)
		log_debug("seccomp: a rule for '%s' contradicts an earlier one, which stays", name);
	else if (r < 0)
		return rl_fail_sys(err, -r, WHAT ": add a rule for '%s'", name);
	return 0;
}

static int add_rules(struct build *b, struct rl_err *err)
{
	const json_t *v, *name;
	size_t i, k;

	json_array_foreach (b->rules, i, v) {
		struct rule rule;
		int r = parse_rule(v, &rule, err);

		if (r < 0)
			return r;
		json_array_foreach (rule.names, k, name) {
			r = add_name(b, json_string_value(name), &rule, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int add_arch(struct build *b, const char *name, struct rl_err *err)
{
	char lower[32];
	size_t n = strlen(name);
	uint32_t arch;
	int r;

	if (strncmp(name, "SCMP_ARCH_", 10) != 0 || n - 10 >= sizeof(lower))
		return rl_fail(err, EINVAL, WHAT ": unknown architecture '%.40s'", name);
	for (size_t i = 10; i <= n; i++)
		lower[i - 10] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
	arch = seccomp_arch_resolve_name(lower);
	if (arch == 0 || b->n_arches == ARCHES_MAX)
		return rl_fail(err, EINVAL, WHAT ": unknown architecture '%.40s'", name);
	r = seccomp_arch_add(b->ctx, arch);
	if (r < 0 && r != -EEXIST)
		return rl_fail_sys(err, -r, WHAT ": add the architecture '%s'", name);
	b->arches[b->n_arches++] = arch;
	return 0;
}

static int add_arches(struct build *b, const json_t *oci, struct rl_err *err)
{
	json_t *list = NULL;
	const json_t *v;
	size_t i;
	bool has_native = false;
	int r = json_get_arr(oci, "architectures", WHAT, &list, err);

	if (r == 0)
		r = json_check_strings(list, WHAT, err);
	json_array_foreach (list, i, v) {
		if (r == 0)
			r = add_arch(b, json_string_value(v), err);
	}
	if (r < 0)
		return r;
	for (i = 0; i < b->n_arches; i++)
		has_native |= b->arches[i] == seccomp_arch_native();
	if (b->n_arches == 0)
		b->arches[b->n_arches++] = seccomp_arch_native();
	else if (!has_native && seccomp_arch_remove(b->ctx, SCMP_ARCH_NATIVE) < 0)
		return rl_fail(err, EINVAL,
			       WHAT ": the machine's own architecture cannot be left out");
	return 0;
}

static int get_flags(const json_t *oci, uint32_t *ret, struct rl_err *err)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} names[] = {
		{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* one thread: nothing to synchronise */
		{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	};
	json_t *list = NULL;
	const json_t *v;
	size_t i;
	int r = json_get_arr(oci, "flags", WHAT, &list, err);

	if (r == 0)
		r = json_check_strings(list, WHAT, err);
	if (r < 0)
		return r;
	json_array_foreach (list, i, v) {
		size_t k = 0;

		while (k < ARRAY_LEN(names) && strcmp(names[k].name, json_string_value(v)) != 0)
			k++;
		if (k == ARRAY_LEN(names))
			return rl_fail(err, ENOTSUP, WHAT ": flag '%.60s' is not supported",
				       json_string_value(v));
		*ret |= names[k].flag;
	}
	return 0;
}

/* The prologue and what libseccomp made, in one program. */
static int join(struct build *b, struct seccomp_filter *ret, struct rl_err *err)
{
	auto_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
	auto_free struct sock_filter *insns = calloc(BPF_MAXINSNS, sizeof(*insns));
	struct stat st;
	size_t n, bytes;
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, WHAT ": memfd_create");
	if (!insns)
		return rl_oom(err);
	r = seccomp_export_bpf(b->ctx, fd);
	if (r < 0)
		return rl_fail_sys(err, -r, WHAT ": export the filter");
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, WHAT ": read the filter");
	n = seccomp_prologue_emit(&b->prologue, insns, BPF_MAXINSNS);
	bytes = (size_t)st.st_size;
	if (bytes % sizeof(*insns) || n + bytes / sizeof(*insns) > BPF_MAXINSNS)
		return rl_fail(err, E2BIG,
			       WHAT ": the filter has %zu instructions, the kernel takes %d",
			       n + bytes / sizeof(*insns), BPF_MAXINSNS);
	if (io_read_full(fd, insns + n, bytes) != (ssize_t)bytes)
		return rl_fail(err, EIO, WHAT ": read the filter");
	ret->insns = TAKE_PTR(insns);
	ret->n = (unsigned short)(n + bytes / sizeof(*insns));
	return 0;
}

static int set_attributes(struct build *b, struct rl_err *err)
{
	int r = seccomp_attr_set(b->ctx, SCMP_FLTATR_CTL_NNP, 0); /* the caller decides that */

	if (r == 0)
		r = seccomp_attr_set(b->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (r < 0)
		return rl_fail_sys(err, -r, WHAT ": set up libseccomp");
	/* a search tree instead of a list; since libseccomp 2.5, and no loss without */
	(void)seccomp_attr_set(b->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return 0;
}

int seccomp_build(const json_t *oci, struct seccomp_filter *ret, struct rl_err *err)
{
	auto_free struct build *b = calloc(1, sizeof(*b)); /* large: the exceptions */
	struct seccomp_filter f = { 0 };
	json_t *rules = NULL;
	int r;

	if (!b)
		return rl_oom(err);
	r = get_action(oci, "defaultAction", "defaultErrnoRet", &b->default_action, err);
	if (r == 0)
		r = json_get_arr(oci, "syscalls", WHAT, &rules, err);
	if (r == 0)
		r = get_flags(oci, &f.flags, err);
	if (r < 0)
		return r;
	b->rules = rules;
	b->ctx = seccomp_init(b->default_action);
	if (!b->ctx)
		return rl_fail(err, ENOMEM, WHAT ": libseccomp cannot start");
	r = set_attributes(b, err);
	if (r == 0)
		r = add_arches(b, oci, err);
	if (r == 0)
		r = add_rules(b, err);
	if (r == 0)
		r = join(b, &f, err);
	seccomp_release(b->ctx);
	if (r == 0)
		*ret = f;
	return r;
}
