/* SPDX-License-Identifier: Apache-2.0 */
/* test_spec_build.c - cmd/engine/spec_build: options and image config to parts of the runtime spec */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h> /* needs the headers above */

#include "spec_rig.h"

#include "core/base/json.h"
#include "core/base/log.h"

#define IMAGE                                                                          \
	"{\"config\":{\"Env\":[\"A=1\",\"PATH=/bin\"],\"Cmd\":[\"sh\",\"-c\",\"x\"],"  \
	"\"Entrypoint\":[\"/entry\"],\"User\":\"web\",\"WorkingDir\":\"srv//a/../b\"," \
	"\"StopSignal\":\"SIGINT\",\"Labels\":{\"l\":\"1\",\"io.podman.annotations.x\":\"y\"}}}"
#define PLAIN "{\"config\":{\"Cmd\":[\"sh\"]}}"

static struct spec_rig rig;

static json_t *load(const char *text)
{
	json_t *j = NULL;
	struct rl_err err;

	if (text)
		assert_int_equal(json_read(text, strlen(text), 1 << 20, "test", &j, &err), 0);
	return j;
}

/* "a/0/b" below @j; a component "dest=/x" picks the mount with that destination. */
static const json_t *at(const json_t *j, const char *path)
{
	auto_strv struct strv l = { 0 };

	assert_int_equal(strv_split(&l, path, ','), 0);
	for (size_t i = 0; j && i < l.n; i++) {
		const char *w = l.v[i];
		const json_t *v = NULL, *e;
		size_t k;

		if (strncmp(w, "dest=", 5) == 0) {
			json_array_foreach (j, k, e)
				if (strcmp(json_string_value(json_object_get(e, "destination")),
					   w + 5) == 0)
					v = e;
			j = v;
		} else if (json_is_array(j)) {
			j = json_array_get(j, (size_t)(*w - '0'));
		} else {
			j = json_object_get(j, w);
		}
	}
	return j;
}

static const struct {
	const char *words, *config, *path, *want; /* want NULL: absent */
} good[] = {
	{ "i", IMAGE, "process,args", "[\"/entry\",\"sh\",\"-c\",\"x\"]" },
	{ "i ls -l", IMAGE, "process,args", "[\"/entry\",\"ls\",\"-l\"]" },
	{ "--entrypoint /x i", IMAGE, "process,args", "[\"/x\"]" },
	{ "--entrypoint=[\"/x\",\"y\"] i z", IMAGE, "process,args", "[\"/x\",\"y\",\"z\"]" },
	{ "--entrypoint= i z", IMAGE, "process,args", "[\"z\"]" },
	{ "i", PLAIN, "process,args", "[\"sh\"]" },
	{ "i", IMAGE, "process,cwd", "\"/srv/b\"" },
	{ "-w /a/./b/ i", IMAGE, "process,cwd", "\"/a/b\"" },
	{ "i", PLAIN, "process,cwd", "\"/\"" },
	{ "--unsetenv-all --http-proxy=false -e B=2 -e A=3 -e B=4 i", IMAGE, "process,env",
	  "[\"B=4\",\"A=3\"]" },
	{ "--http-proxy=false -e A=2 i", IMAGE, "process,env",
	  "[\"PATH=/bin\",\"container=podman\",\"HOSTNAME=0123456789ab\",\"HOME=/srv/"
	  "web\",\"A=2\"]" },
	{ "--http-proxy=false -t --unsetenv PATH i", PLAIN, "process,env",
	  "[\"TERM=xterm\",\"container=podman\",\"HOSTNAME=0123456789ab\",\"HOME=/root\"]" },
	{ "-t i", PLAIN, "process,terminal", "true" },
	/* users: SECURITY S23, S24 */
	{ "i", IMAGE, "process,user",
	  "{\"additionalGids\":[4,7],\"uid\":33,\"gid\":34,\"umask\":18}" },
	{ "-u 1000 i", PLAIN, "process,user", "{\"uid\":1000,\"gid\":0,\"umask\":18}" },
	{ "-u 33:0 i", PLAIN, "process,user", "{\"uid\":33,\"gid\":0,\"umask\":18}" },
	{ "-u 007 --umask 077 i", PLAIN, "process,user", "{\"uid\":7,\"gid\":0,\"umask\":63}" },
	{ "-u web:adm --group-add log --group-add 99 i", PLAIN, "process,user",
	  "{\"additionalGids\":[7,99],\"uid\":33,\"gid\":4,\"umask\":18}" },
	/* capabilities: S21, S22 */
	{ "i", PLAIN, "process,capabilities,bounding",
	  "[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_FSETID\",\"CAP_KILL\","
	  "\"CAP_SETGID\",\"CAP_SETUID\",\"CAP_SETPCAP\",\"CAP_NET_BIND_SERVICE\","
	  "\"CAP_SYS_CHROOT\",\"CAP_SETFCAP\"]" },
	{ "i", PLAIN, "process,capabilities,ambient", "[]" },
	{ "i", PLAIN, "process,capabilities,inheritable", "[]" },
	{ "-u 33 i", PLAIN, "process,capabilities,permitted", "[]" },
	{ "-u 33 --cap-add kill i", PLAIN, "process,capabilities,ambient", "[\"CAP_KILL\"]" },
	{ "--cap-drop ALL --cap-add Cap_Chown i", PLAIN, "process,capabilities,effective",
	  "[\"CAP_CHOWN\"]" },
	{ "--cap-drop ALL i", PLAIN, "process,noNewPrivileges", "true" },
	{ "i", PLAIN, "process,noNewPrivileges", "false" },
	{ "--hardened -m 64m i", PLAIN, "process,noNewPrivileges", "true" },
	{ "--hardened -m 64m i", PLAIN, "process,capabilities,bounding",
	  "[\"CAP_CHOWN\",\"CAP_KILL\",\"CAP_SETGID\",\"CAP_SETUID\",\"CAP_NET_BIND_SERVICE\"]" },
	{ "--nested i", PLAIN, "annotations", "{\"rl.nested\":\"1\"}" },
	{ "--security-opt no-new-privileges i", PLAIN, "process,noNewPrivileges", "true" },
	{ "--security-opt no-new-privileges=false i", PLAIN, "process,noNewPrivileges", "false" },
	/* namespaces and maps */
	{ "i", PLAIN, "linux,uidMappings",
	  "[{\"containerID\":0,\"hostID\":0,\"size\":1},{\"containerID\":1,\"hostID\":1,"
	  "\"size\":65536}]" },
	{ "--pid host --ipc host --uts host --cgroupns host --net host i", PLAIN,
	  "linux,namespaces", "[{\"type\":\"user\"},{\"type\":\"mount\"}]" },
	{ "--userns keep-id i", PLAIN, "process,user", "{\"uid\":1000,\"gid\":1000,\"umask\":18}" },
	{ "--userns keep-id:uid=5,gid=6 i", IMAGE, "process,user",
	  "{\"uid\":5,\"gid\":6,\"umask\":18}" },
	{ "--userns keep-id i", PLAIN, "mounts,dest=/etc/passwd,type", "\"bind\"" },
	{ "--userns keep-id -u 33 i", PLAIN, "mounts,dest=/etc/passwd", NULL },
	{ "i", PLAIN, "hostname", "\"0123456789ab\"" },
	{ "-h web.example i", PLAIN, "hostname", "\"web.example\"" },
	/* sysctls: S16 */
	{ "i", PLAIN, "linux,sysctl",
	  "{\"net.ipv4.ping_group_range\":\"0 65536\","
	  "\"net.ipv4.ip_unprivileged_port_start\":\"0\","
	  "\"net.ipv4.ip_forward\":\"0\"}" },
	{ "--sysctl net.ipv4.ip_forward=1 i", PLAIN, "linux,sysctl,net.ipv4.ip_forward", "\"1\"" },
	{ "--net host i", PLAIN, "linux,sysctl", "{}" },
	{ "--sysctl kernel.msgmax=9 i", PLAIN, "linux,sysctl,kernel.msgmax", "\"9\"" },
	/* paths */
	{ "i", PLAIN, "linux,readonlyPaths,3", "\"/proc/sys\"" },
	{ "--privileged i", PLAIN, "linux,maskedPaths", "[]" },
	{ "--privileged i", PLAIN, "linux,readonlyPaths", "[]" },
	{ "--privileged i", PLAIN, "linux,seccomp", NULL },
	{ "--privileged i", PLAIN, "annotations", "{\"rl.nested\":\"1\"}" },
	{ "--security-opt unmask=/proc/* i", PLAIN, "linux,readonlyPaths", "[]" },
	{ "--security-opt systempaths=unconfined i", PLAIN, "linux,maskedPaths", "[]" },
	{ "--security-opt unmask=ALL --security-opt mask=/a:/b i", PLAIN, "linux,maskedPaths",
	  "[\"/a\",\"/b\"]" },
	/* limits */
	{ "i", PLAIN, "linux,resources", "{\"pids\":{\"limit\":2048}}" },
	{ "--pids-limit -1 i", PLAIN, "linux,resources", "{}" },
	{ "--cpus 0.7 i", PLAIN, "linux,resources,cpu", "{\"quota\":70000,\"period\":100000}" },
	{ "-m 64m i", PLAIN, "linux,resources,memory", "{\"limit\":67108864,\"swap\":134217728}" },
	{ "-m 64m --memory-swap -1 i", PLAIN, "linux,resources,memory,swap", "-1" },
	{ "-m 64m --memory-swap 65m i", PLAIN, "linux,resources,memory,swap", "68157440" },
	{ "-c 1024 --cpuset-cpus 0-1,3 i", PLAIN, "linux,resources,cpu",
	  "{\"shares\":1024,\"cpus\":\"0-1,3\"}" },
	{ "--blkio-weight 500 i", PLAIN, "linux,resources,blockIO", "{\"weight\":500}" },
	{ "--blkio-weight 0 i", PLAIN, "linux,resources,blockIO", NULL },
	{ "--cgroup-conf memory.high=5 --cgroup-conf=cpu.idle=1 i", PLAIN,
	  "linux,resources,unified", "{\"memory.high\":\"5\",\"cpu.idle\":\"1\"}" },
	/* mounts */
	{ "i", PLAIN, "mounts,dest=/proc,type", "\"proc\"" },
	{ "--pid host i", PLAIN, "mounts,dest=/proc,options",
	  "[\"rbind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\"]" },
	{ "--shm-size 1m i", PLAIN, "mounts,dest=/dev/shm,options",
	  "[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=1048576\"]" },
	{ "i", PLAIN, "mounts,dest=/etc/hosts,options",
	  "[\"bind\",\"rprivate\",\"nosuid\",\"noexec\",\"nodev\",\"rw\"]" },
	{ "--read-only i", PLAIN, "mounts,dest=/etc/hosts,options,5", "\"ro\"" },
	{ "--read-only i", PLAIN, "root,readonly", "true" },
	{ "--read-only i", PLAIN, "mounts,dest=/var/tmp,type", "\"tmpfs\"" },
	{ "--read-only --read-only-tmpfs=false i", PLAIN, "mounts,dest=/var/tmp", NULL },
	{ "-v /usr:/a/b:ro i", PLAIN, "mounts,dest=/a/b,options",
	  "[\"rbind\",\"rprivate\",\"rro\"]" },
	{ "-v /usr:/a:bind,slave,nosuid i", PLAIN, "mounts,dest=/a,options",
	  "[\"bind\",\"slave\",\"rw\",\"nosuid\"]" },
	{ "--mount type=bind,src=/usr,dst=/a,ro=true i", PLAIN, "mounts,dest=/a,source",
	  "\"/usr\"" },
	{ "--tmpfs /t:size=1m,exec i", PLAIN, "mounts,dest=/t,options",
	  "[\"rprivate\",\"rw\",\"nodev\",\"nosuid\",\"tmpcopyup\",\"size=1m\",\"mode=1777\"]" },
	{ "--tmpfs /dev/shm i", PLAIN, "mounts,dest=/dev/shm,source", "\"tmpfs\"" },
	{ "-v /dev/null:/etc/hosts i", PLAIN, "mounts,dest=/etc/hosts,source", "\"/dev/null\"" },
	{ "-v data:/d i", PLAIN, "mounts,dest=/d,options",
	  "[\"rbind\",\"rprivate\",\"rw\",\"copyup\",\"nodev\"]" },
	{ "--no-hosts i", PLAIN, "mounts,dest=/etc/hosts", NULL },
	{ "--device /dev/null:/dev/mine i", PLAIN, "mounts,dest=/dev/mine,options",
	  "[\"bind\",\"rprivate\",\"nosuid\",\"noexec\"]" },
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Volumes\":{\"/v/\":{}}}}", "mounts,dest=/v,type",
	  "\"bind\"" },
	{ "--image-volume ignore i", "{\"config\":{\"Cmd\":[\"x\"],\"Volumes\":{\"/proc\":{}}}}",
	  "mounts,dest=/v", NULL },
	/* the rest */
	{ "--annotation a=b i", IMAGE, "annotations", "{\"a\":\"b\"}" },
	{ "i", IMAGE, "annotations", NULL }, /* S37 */
	{ "--ulimit nofile=100:200 i", PLAIN, "process,rlimits,0",
	  "{\"type\":\"RLIMIT_NOFILE\",\"hard\":200,\"soft\":100}" },
	{ "--oom-score-adj 300 i", PLAIN, "process,oomScoreAdj", "300" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		json_auto_t *config = load(good[i].config);
		auto_free char *text = NULL;
		struct spec_out out;
		struct rl_err err = { 0 };
		const json_t *v;

		if (rig_build(&rig, good[i].words, config, &out, &err) < 0)
			fail_msg("%s: %s", good[i].words, err.msg);
		v = at(out.spec, good[i].path);
		text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		if (!text != !good[i].want || (text && strcmp(text, good[i].want) != 0))
			fail_msg("'%s': %s is %s, not %s", good[i].words, good[i].path,
				 text ? text : "absent", good[i].want ? good[i].want : "absent");
		spec_out_done(&out);
	}
}

static const struct {
	const char *words, *config, *why;
} bad[] = {
	{ "i", "{\"config\":{}}", "no command specified" },
	{ "--entrypoint= i", IMAGE, "no command specified" },
	{ "--entrypoint [1] i", IMAGE, "not a string" },
	{ "i", "{\"config\":{\"Cmd\":\"sh\"}}", "'Cmd' is not an array" },
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Env\":[\"HOME2\"]}}", "not NAME=VALUE" }, /* S36 */
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Env\":[\"=x\"]}}", "not NAME=VALUE" },
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Env\":[\"*\"]}}", "not NAME=VALUE" },
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"User\":\"a\\nb:x:0:0\"}}",
	  "control bytes" }, /* S25 */
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"WorkingDir\":\"/a\\nb\"}}", "control bytes" },
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"WorkingDir\":\"/proc/self/fd/7\"}}",
	  "open files" }, /* S2 */
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Volumes\":{\"/proc\":{}}}}",
	  "not a place" }, /* S5 */
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Volumes\":{\"/a/../sys/x\":{}}}}", "not a place" },
	{ "i", "{\"config\":{\"Cmd\":[\"x\"],\"Volumes\":{\"rel\":{}}}}", "not an absolute path" },
	{ "-w rel i", PLAIN, "not an absolute path" },
	/* S23 */
	{ "-u 1: i", PLAIN, "no group" },
	{ "-u :1 i", PLAIN, "no user" },
	{ "-u -1 i", PLAIN, "neither a name nor a number" },
	{ "-u 4294967295 i", PLAIN, "out of range" },
	{ "-u 4294967296 i", PLAIN, "out of range" },
	{ "-u 1e3 i", PLAIN, "not in the image's /etc/passwd" },
	{ "-u nobody i", PLAIN, "not in the image's /etc/passwd" },
	{ "-u 0:nobody i", PLAIN, "not in the image's /etc/group" },
	{ "-u 65537 i", PLAIN, "is not mapped" },
	{ "--group-add 70000 i", PLAIN, "is not mapped" },
	{ "--umask 999 i", PLAIN, "octal" },
	{ "--cap-add FLY i", PLAIN, "unknown capability 'FLY'" },
	{ "--cap-add KILL --cap-drop KILL i", PLAIN, "both added and dropped" },
	/* S18 */
	{ "--security-opt foo=bar i", PLAIN, "unknown option" },
	{ "--security-opt seccomp i", PLAIN, "value is missing" },
	{ "--security-opt apparmor=x i", PLAIN, "AppArmor profile" },
	{ "--security-opt label=x i", PLAIN, "expected disable" },
	/* S16 */
	{ "--sysctl kernel.core_pattern=x i", PLAIN, "does not belong to a namespace" },
	{ "--sysctl kernel.msgmax=1+kernel.core_pattern=x --net host --sysctl net.a=1 i", PLAIN,
	  "does not belong" },
	{ "--sysctl net/../kernel/core_pattern=1 i", PLAIN, "malformed name" },
	{ "--sysctl net..x=1 i", PLAIN, "malformed name" },
	{ "--sysctl net.x= i", PLAIN, "empty" },
	{ "--ipc host --sysctl kernel.sem=1 i", PLAIN, "does not belong" },
	/* names */
	{ "-h a/b i", PLAIN, "invalid host name" },
	{ "--uts host -h a i", PLAIN, "exclude each other" },
	{ "--add-host a i", PLAIN, "not NAME:ADDRESS" },
	{ "--add-host a:1.2.3 i", PLAIN, "not NAME:ADDRESS" },
	{ "--add-host a$:1.2.3.4 i", PLAIN, "bad name" },
	{ "--dns x i", PLAIN, "not an address" },
	{ "--dns-search a;b i", PLAIN, "not a domain" },
	/* modes */
	{ "--pid x i", PLAIN, "expected private, host" },
	{ "--userns keep-id:size=3 i", PLAIN, "size=3 leaves out" },
	{ "--userns keep-id:seize=3 i", PLAIN, "not 'seize=3'" },
	{ "--userns x i", PLAIN, "expected private, host, keep-id" },
	/* mounts */
	{ "-v /no/such:/a i", PLAIN, "does not exist" },
	{ "-v /usr:/ i", PLAIN, "root of the container" },
	{ "-v /usr:a i", PLAIN, "not an absolute path" },
	{ "-v /usr:/a --tmpfs /b/../a i", PLAIN, "duplicate mount destination" },
	{ "-v /usr:/proc/sys i", PLAIN, "/proc is the container's own" },
	{ "-v /usr:/dev i", PLAIN, "container's own" },
	{ "-v /usr:/dev/pts/x i", PLAIN, "made by rl" },
	{ "-v -o:/a i", PLAIN, "invalid volume name" },
	{ "--mount type=image,dst=/a i", PLAIN, "no source" },
	{ "--shm-size x i", PLAIN, "not a size" },
	{ "--device /etc/passwd i", PLAIN, "not a device" },
	/* limits */
	{ "--cpus 1 --cpu-quota 5 i", PLAIN, "exclude each other" },
	{ "--cpus 0.001 i", PLAIN, "below 0.01" },
	{ "--memory-swap 1g i", PLAIN, "needs '--memory'" },
	{ "-m 2g --memory-swap 1g i", PLAIN, "below '--memory'" },
	{ "--blkio-weight 5 i", PLAIN, "from 10 to 1000" },
	{ "--blkio-weight-device /dev/null:20 i", PLAIN, "not a block device" },
	{ "--device-read-bps /nonexistent:20 i", PLAIN, "No such file" },
	{ "--device-read-bps 20 i", PLAIN, "not PATH:VALUE" },
	{ "--cgroup-conf memory.high i", PLAIN, "not FILE=VALUE" },
	{ "--cgroup-conf ../x.y=1 i", PLAIN, "not FILE=VALUE" },
	{ "--cgroup-conf cgroup.freeze=1 i", PLAIN, "rl's own" },
	{ "--cgroups some i", PLAIN, "not enabled, disabled" },
	{ "--cgroups disabled --cpus 1 i", PLAIN, "exclude each other" },
	{ "--cgroups split --cgroup-parent a i", PLAIN, "exclude each other" },
	{ "--cgroup-parent ../.. i", PLAIN, "neither a slice" },
	{ "--memory-swappiness 101 i", PLAIN, "from 0 to 100" },
	{ "--strict-limits --oom-kill-disable i", PLAIN, "cannot be applied" },
	{ "--strict-limits --memory-swappiness 10 i", PLAIN, "no group has a swappiness" },
	{ "--ulimit nofile=9:1 i", PLAIN, "above the hard limit" },
	{ "--ulimit x=1 i", PLAIN, "unknown limit" },
	/* later */
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_auto_t *config = load(bad[i].config);
		struct spec_out out = { 0 };
		struct rl_err err = { 0 };
		int r = rig_build(&rig, bad[i].words, config, &out, &err);

		if (r >= 0)
			fail_msg("'%s' was taken", bad[i].words);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s': '%s' does not say '%s'", bad[i].words, err.msg, bad[i].why);
		assert_null(out.spec); /* nothing written on failure */
	}
}

static void assert_file(const char *name, const char *want)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;

	assert_int_equal(io_read_file(rig.ctr_fd, name, 1 << 20, &b, &err), 0);
	assert_string_equal(b.data ? b.data : "", want);
}

static void test_files(void **state)
{
	json_auto_t *config = load(PLAIN);
	struct spec_out out;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(rig_build(&rig,
				   "--userns keep-id:uid=77,gid=78 --add-host a;b:1.2.3.4 "
				   "--add-host g:host-gateway --dns 9.9.9.9 --dns-search x.y "
				   "--dns-option ndots:2 -h box i",
				   config, &out, &err),
			 0);
	assert_file("hosts", "127.0.0.1\tlocalhost\n"
			     "::1\tlocalhost ip6-localhost ip6-loopback\n"
			     "10.0.2.2\thost.containers.internal host.docker.internal\n"
			     "10.0.2.100\tbox keen_keldysh\n"
			     "1.2.3.4\ta b\n10.0.2.2\tg\n");
	assert_file("hostname", "box\n");
	assert_file("resolv.conf", "search x.y\nnameserver 9.9.9.9\noptions ndots:2\n");
	assert_int_equal(out.n_volumes, 0);
	spec_out_done(&out);
	assert_int_equal(rig_build(&rig, "i", config, &out, &err), 0);
	assert_file("resolv.conf", "nameserver 10.0.2.3\n");
	assert_int_equal(out.stop_signal, 15);
	spec_out_done(&out);
}

static void test_result(void **state)
{
	json_auto_t *config = load(IMAGE);
	auto_free char *labels = NULL;
	struct spec_out out;
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(rig_build(&rig,
				   "-l l=2 -l m --cpus 0.5 -m 8m --memory-swap -1 --net none "
				   "-v d1:/d1:nocopy -v d2:/d2 -v /anon i",
				   config, &out, &err),
			 0);
	labels = json_dumps(out.labels, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(labels, "{\"io.podman.annotations.x\":\"y\",\"l\":\"2\",\"m\":\"\"}");
	assert_int_equal(out.stop_signal, 2);
	assert_int_equal(out.netmode, NETMODE_NONE);
	assert_int_equal(out.limits.cpu_quota_us, 50000);
	assert_int_equal(out.limits.memory_max, 8 << 20);
	assert_int_equal(out.limits.memory_swap_max, -1);
	assert_int_equal(out.limits.pids_max, 2048);
	assert_int_equal(out.limit_flags.n, 3);
	assert_string_equal(out.limit_flags.v[0], "--cpus 0.5");
	assert_int_equal(out.n_volumes, 3);
	assert_false(out.volumes[0].copy_up);
	assert_true(out.volumes[1].copy_up);
	assert_true(out.volumes[2].anonymous);
	assert_int_equal(strlen(out.volumes[2].name), 64);
	spec_out_done(&out);
}

/* Parents come before what lies below them, whatever the order on the command line. */
static void test_order(void **state)
{
	json_auto_t *config = load(PLAIN);
	struct spec_out out;
	struct rl_err err = { 0 };
	const json_t *list, *m;
	size_t i, a = 0, ab = 0, proc = 0;

	(void)state;
	assert_int_equal(rig_build(&rig, "-v /usr:/a/b --tmpfs /a i", config, &out, &err), 0);
	list = json_object_get(out.spec, "mounts");
	json_array_foreach (list, i, m) {
		const char *d = json_string_value(json_object_get(m, "destination"));

		a = strcmp(d, "/a") == 0 ? i : a;
		ab = strcmp(d, "/a/b") == 0 ? i : ab;
		proc = strcmp(d, "/proc") == 0 ? i : proc;
	}
	assert_true(proc < a && a < ab);
	spec_out_done(&out);
}

/* One id: other users are that id, groups are none. */
static void test_one_id(void **state)
{
	json_auto_t *config = load(IMAGE);
	struct spec_rig g = rig;
	auto_free char *maps = NULL, *user = NULL;
	struct spec_out out;
	struct rl_err err = { 0 };

	(void)state;
	g.session.uids.n = g.session.gids.n = 1;
	g.session.rung = SESSION_ONE_ID;
	assert_int_equal(rig_build(&g, "i", config, &out, &err), 0);
	maps = json_dumps(at(out.spec, "linux,uidMappings"), JSON_COMPACT);
	user = json_dumps(at(out.spec, "process,user"), JSON_COMPACT);
	assert_string_equal(maps, "[{\"containerID\":33,\"hostID\":0,\"size\":1}]");
	assert_string_equal(user, "{\"uid\":33,\"gid\":34,\"umask\":18}");
	assert_string_equal(
		json_string_value(at(out.spec, "linux,sysctl,net.ipv4.ping_group_range")), "34 34");
	spec_out_done(&out);
	assert_true(rig_build(&g, "--group-add 34 i", config, &out, &err) < 0);
}

static int setup(void **state)
{
	(void)state;
	return rig_open(&rig);
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_files), cmocka_unit_test(test_result),
		cmocka_unit_test(test_order), cmocka_unit_test(test_one_id),
	};

	return cmocka_run_group_tests_name("cmd/engine/spec_build", tests, setup, teardown);
}
