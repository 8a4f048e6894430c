/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - the one error type: what failed, on what, why, and what to do about it
 *
 * Every function that can fail returns 0 (or a count or fd) or a negative errno value, and takes
 * "struct rl_err *err" last. The struct lives on the caller's stack: reporting needs no memory.
 * Its content means something only after a negative return. The deepest place says what failed
 * and on what; callers put their step in front with rl_wrap() where it is news; one place, the
 * dispatcher in cmd/, prints.
 */
#pragma once

#define RL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define RL_MUST_USE     __attribute__((warn_unused_result))

/* Where the result of an RL_MUST_USE call truly does not matter; say why beside it. */
#define RL_IGNORE(call)                        \
	do {                                   \
		__auto_type ignored_ = (call); \
		(void)ignored_;                \
	} while (0)

struct rl_err {
	int code;       /* errno value of the first cause, > 0 once set */
	int exit_code;  /* exit status that the command should end with, 0 = its default (125) */
	char msg[1024]; /* "outer step: inner step: cause" */
	char hint[512]; /* a command or setting that helps, or empty */
};

/* Cause known only to us; the message says it all. Return: -code. */
int rl_fail(struct rl_err *err, int code, const char *fmt, ...) RL_PRINTF(3, 4);
/* Cause is a failed call; ": " and strerror(code) are added. Return: -code. */
int rl_fail_sys(struct rl_err *err, int code, const char *fmt, ...) RL_PRINTF(3, 4);
/* Out of memory. Return: -ENOMEM. */
int rl_oom(struct rl_err *err);
/* Put the caller's step in front: "fmt: old message". Return: -err->code. */
int rl_wrap(struct rl_err *err, const char *fmt, ...) RL_PRINTF(2, 3);
/* Say what to do. The first hint stays: the deepest place knows best. Return: -err->code. */
int rl_hint(struct rl_err *err, const char *fmt, ...) RL_PRINTF(2, 3);
/* Print "Error: msg" and "Hint: hint" on stderr, control bytes replaced. Only for cmd/ and mains. */
void rl_report(const struct rl_err *err);
