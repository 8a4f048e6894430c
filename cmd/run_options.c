/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.c - the options that run and create share; the header is the manual */
#include "config.h"

#include "cmd/run_options.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cmd/engine/notify.h"
#include "cmd/global.h"
#include "core/base/cleanup.h"
#include "core/detach.h"
#include "net/endpoint.h"

#define R    struct run_opts
#define Q(f) req.f

const struct run_opts run_defaults = {
	.sig_proxy = true,
	.detach_keys = DETACH_KEYS_DEFAULT,
	.read_only_tmpfs = true,
	.http_proxy = true,
	.tls_verify = true,
	.passwd = true,
	.stop_timeout = 10,
	.retry = 3,
};

const struct opt run_options[] = {
	OPT_BOOL('d', "detach", R, detach, "run in the background and print the id"),
	/* what runs */
	OPT_STR(0, "name", R, Q(name), "NAME", "name of the container"),
	OPT_BOOL('i', "interactive", R, Q(interactive),
		 "pass stdin to the container, and keep it open"),
	OPT_BOOL('t', "tty", R, Q(tty), "give the container a terminal"),
	OPT_BOOL(0, "rm", R, Q(rm), "remove the container when it ends"),
	OPT_BOOL(0, "init", R, Q(init), "a small init as process 1: forwards signals, reaps"),
	OPT_STR(0, "entrypoint", R, Q(entrypoint), "CMD", "instead of the image's entrypoint"),
	OPT_STR('w', "workdir", R, Q(workdir), "DIR",
		"folder that the process starts in, in place of the image's"),
	OPT_STR('u', "user", R, Q(user), "USER[:GROUP]", "user and group, names or numbers"),
	OPT_STRINGS(0, "group-add", R, Q(group_add), "GROUP",
		    "one more group, or keep-groups: those that you have"),
	OPT_STRINGS(0, "hostuser", R, Q(hostuser), "USER", "an account of the host in /etc/passwd"),
	OPT_BOOL(0, "passwd", R, passwd, "add the user to /etc/passwd where needed (true)"),
	OPT_STR(0, "passwd-entry", R, Q(passwd_entry), "LINE", "the line that is added there"),
	OPT_STR(0, "group-entry", R, Q(group_entry), "LINE",
		"the line that is added to /etc/group"),
	OPT_BOOL(0, "rootfs", R, Q(rootfs),
		 "the first word is a folder, or FOLDER:O to leave it as it is"),
	OPT_STR(0, "stop-signal", R, Q(stop_signal), "SIGNAL", "signal that stops it"),
	OPT_INT(0, "stop-timeout", R, stop_timeout, "SECONDS", "grace time of a stop (10)"),
	OPT_UINT(0, "timeout", R, Q(timeout), "SECONDS", "kill it when it runs longer"),
	OPT_STR(0, "restart", R, Q(restart), "POLICY",
		"no (default), on-failure[:N], always, unless-stopped"),
	OPT_BOOL(0, "replace", R, Q(replace), "remove the container that has the name first"),
	OPT_STR(0, "cidfile", R, Q(cidfile), "FILE", "write the container's id to FILE"),
	OPT_STR(0, "pidfile", R, Q(pidfile), "FILE", "write the pid of its first process to FILE"),
	OPT_STR(0, "conmon-pidfile", R, Q(conmon_pidfile), "FILE",
		"write the pid of its monitor to FILE"),
	OPT_STRINGS('a', "attach", R, attach, "STREAM", "only stdin, stdout or stderr"),
	OPT_UINT(0, "preserve-fds", R, preserve_fds, "N", "pass N more descriptors, from 3 on"),
	OPT_BOOL(0, "sig-proxy", R, sig_proxy, "forward signals to the container (true)"),
	OPT_STR(0, "detach-keys", R, detach_keys, "KEYS", "leave it running (ctrl-p,ctrl-q)"),
	OPT_STR(0, "log-driver", R, Q(log_driver), "k8s-file|journald|none|passthrough",
		"where its output goes: a file (default), the journal, nowhere, or to rl's own"),
	OPT_LIST(0, "log-opt", R, Q(log_opt), "NAME=VALUE", "max-size=SIZE, path=FILE, tag=TEXT"),
	OPT_STR(0, "umask", R, Q(umask), "OCTAL", "umask of the process (0022)"),
	OPT_STR(0, "tz", R, Q(tz), "ZONE",
		"time zone such as Europe/Berlin, or local for the host's"),
	/* health */
	RUN_HEALTH_OPTIONS(R, req),
	OPT_BOOL(0, "no-healthcheck", R, Q(no_healthcheck), "without the image's check"),
	OPT_STR(0, "healthcheck-command", R, Q(health_cmd), "CMD", NULL),
	OPT_STR(0, "healthcheck-interval", R, Q(health_interval), "TIME", NULL),
	OPT_STR(0, "healthcheck-timeout", R, Q(health_timeout), "TIME", NULL),
	OPT_STR(0, "healthcheck-retries", R, Q(health_retries), "N", NULL),
	OPT_STR(0, "healthcheck-start-period", R, Q(health_start_period), "TIME", NULL),
	OPT_STR(0, "sdnotify", R, Q(sdnotify), "MODE",
		"tell systemd when it runs (conmon) or is healthy; ignore (default)"),
	OPT_BOOL(0, "wait-healthy", R, Q(need_health), "with -d: return when it is healthy"),
	/* environment, labels */
	OPT_LIST('e', "env", R, Q(env), "NAME[=VALUE]", "set or pass a variable; NAME* passes all"),
	OPT_LIST(0, "env-file", R, Q(env_file), "FILE", "read variables from FILE"),
	OPT_LIST(0, "env-merge", R, Q(env_merge), "NAME=VALUE",
		 "a variable made of others: 'PATH=${PATH}:/app'"),
	OPT_BOOL(0, "env-host", R, Q(env_host), "pass the whole environment"),
	OPT_LIST(0, "unsetenv", R, Q(unsetenv), "NAME", "remove a variable that the image sets"),
	OPT_BOOL(0, "unsetenv-all", R, Q(unsetenv_all), "start without default variables"),
	OPT_BOOL(0, "http-proxy", R, http_proxy, "pass proxy variables (true)"),
	OPT_LIST('l', "label", R, Q(label), "KEY=VALUE", "label of the container"),
	OPT_LIST(0, "label-file", R, Q(label_file), "FILE", "read labels from FILE"),
	OPT_LIST(0, "annotation", R, Q(annotation), "KEY=VALUE", "annotation of the runtime spec"),
	/* image */
	OPT_STR(0, "pull", R, Q(pull), "always|missing|newer|never",
		"when to pull the image (missing)"),
	OPT_STR(0, "platform", R, Q(platform), "OS/ARCH", "platform of the image"),
	OPT_STR(0, "arch", R, arch, "ARCH", "architecture of the image"),
	OPT_STR(0, "os", R, os, "OS", "operating system of the image (linux)"),
	OPT_BOOL('q', "quiet", R, Q(quiet), "no progress of a pull"),
	OPT_STR(0, "authfile", R, Q(authfile), "FILE", "credentials of registries"),
	OPT_STR(0, "creds", R, Q(creds), "USER:PASSWORD", "credentials of the registry"),
	OPT_STR(0, "cert-dir", R, Q(cert_dir), "DIR", "certificates of the registry"),
	OPT_BOOL(0, "tls-verify", R, tls_verify, "require TLS of the registry (true)"),
	OPT_UINT(0, "retry", R, retry, "N", "how often a pull that fails is tried again (3)"),
	OPT_STR(0, "image-volume", R, Q(image_volume), "anonymous|tmpfs|ignore",
		"what becomes of the image's VOLUMEs (anonymous)"),
	/* files */
	OPT_LIST('v', "volume", R, Q(volume), "[SRC:]DST[:OPTS]", "bind a folder or a volume"),
	OPT_BOOL(0, "own-output", R, own_output,
		 "with --rm: what it leaves in bind mounts is yours afterwards"),
	OPT_LIST(0, "volumes-from", R, Q(volumes_from), "CONTAINER[:ro]",
		 "the volumes of another container"),
	OPT_LIST(0, "mount", R, Q(mount), "SPEC", "type=bind|volume|tmpfs,src=...,dst=..."),
	OPT_LIST(0, "tmpfs", R, Q(tmpfs), "DST[:OPTS]", "a file system in memory"),
	OPT_LIST(0, "secret", R, Q(secret), "SECRET[=SOURCE][,OPTS]",
		 "a secret in /run/secrets; SOURCE: file:, env:, fd:, cmd:, creds:"),
	OPT_LIST(0, "device", R, Q(device), "SRC[:DST[:PERMS]]",
		 "pass a device of the host, or a folder of them"),
	OPT_LIST(0, "device-cgroup-rule", R, Q(device_cgroup_rule), "RULE", NULL),
	OPT_BOOL(0, "read-only", R, Q(read_only), "the root file system cannot be written"),
	OPT_BOOL(0, "read-only-tmpfs", R, read_only_tmpfs,
		 "with --read-only: tmpfs on /tmp, /run and /var/tmp (true)"),
	OPT_STR(0, "shm-size", R, Q(shm_size), "SIZE", "size of /dev/shm (64m)"),
	/* network, names */
	OPT_LIST(0, "network", R, Q(networks), "NETWORK-MODE",
		 "private (default), none, host, container:NAME, ns:PATH, or a named network: "
		 "NAME[:ip=,ip6=,mac=,alias=,interface_name=], repeatable"),
	OPT_LIST(0, "net", R, Q(networks), "NETWORK-MODE", NULL),
	OPT_STR(0, "ip", R, Q(ip), "IP", "IPv4 address on its named network"),
	OPT_STR(0, "ip6", R, Q(ip6), "IP", "IPv6 address on its named network"),
	OPT_STR(0, "mac-address", R, Q(mac_address), "MAC", "MAC address on its named network"),
	OPT_STRINGS(0, "network-alias", R, Q(network_alias), "NAME",
		    "one more name on its named networks"),
	OPT_LIST('p', "publish", R, Q(publish), "[[IP:]HOST:]PORT[/udp]",
		 "publish a port or range of ports on the host"),
	OPT_BOOL('P', "publish-all", R, Q(publish_all), "publish all exposed ports"),
	OPT_LIST(0, "host-port", R, Q(host_port), "PORT",
		 "open this port of the host's loopback, as host.containers.internal:PORT"),
	OPT_LIST(0, "expose", R, Q(expose), "PORT[/udp]", "a port that -P publishes"),
	OPT_STR('h', "hostname", R, Q(hostname), "NAME", "host name of the container"),
	OPT_STR(0, "domainname", R, Q(domainname), "NAME", "NIS domain name of the container"),
	OPT_STRINGS(0, "add-host", R, Q(add_host), "NAME:IP", "a line of /etc/hosts"),
	OPT_STRINGS(0, "dns", R, Q(dns), "IP", "name server, or none"),
	OPT_STRINGS(0, "dns-search", R, Q(dns_search), "DOMAIN",
		    "domain in which short names are looked up"),
	OPT_STRINGS(0, "dns-option", R, Q(dns_option), "OPTION", "option of resolv.conf"),
	OPT_STRINGS(0, "dns-opt", R, Q(dns_option), "OPTION", NULL),
	OPT_BOOL(0, "no-hosts", R, Q(no_hosts), "keep the image's /etc/hosts"),
	OPT_BOOL(0, "no-hostname", R, Q(no_hostname), "keep the image's /etc/hostname"),
	/* namespaces, rights */
	OPT_STR(0, "pid", R, Q(pid), "NAMESPACE",
		"process namespace: private, host, container:NAME, ns:PATH"),
	OPT_STR(0, "ipc", R, Q(ipc), "NAMESPACE",
		"IPC namespace: private, shareable, none, host, container:NAME, ns:PATH"),
	OPT_STR(0, "uts", R, Q(uts), "NAMESPACE",
		"host name namespace: private, host, container:NAME, ns:PATH"),
	OPT_STR(0, "cgroupns", R, Q(cgroupns), "NAMESPACE",
		"cgroup namespace: private, host, container:NAME, ns:PATH"),
	OPT_STRINGS(0, "time-offset", R, Q(time_offset), "CLOCK=SECONDS",
		    "a time namespace in which monotonic or boottime is shifted"),
	OPT_STR(0, "userns", R, Q(userns), "NAMESPACE",
		"private (default), host, keep-id[:uid=,gid=,size=], nomap, auto[:size=], "
		"container:NAME or ns:PATH"),
	OPT_BOOL(0, "me", R, Q(me), "the user of the image is you: bind mounts just work"),
	OPT_STRINGS(0, "uidmap", R, Q(uidmap), "[+]IN:[@]OUT[:N]", "a line of the uid map"),
	OPT_STRINGS(0, "gidmap", R, Q(gidmap), "[+]IN:[@]OUT[:N]", "a line of the gid map"),
	OPT_STR(0, "subuidname", R, Q(subuidname), "NAME", "map the ids of NAME in /etc/subuid"),
	OPT_STR(0, "subgidname", R, Q(subgidname), "NAME", "map the ids of NAME in /etc/subgid"),
	OPT_STRINGS(0, "cap-add", R, Q(cap_add), "CAP", "add a capability, or all"),
	OPT_STRINGS(0, "cap-drop", R, Q(cap_drop), "CAP", "drop a capability, or all"),
	OPT_LIST(0, "security-opt", R, Q(security_opt), "OPTION",
		 "no-new-privileges, seccomp=FILE|unconfined, mask=, unmask=, proc-opts="),
	OPT_BOOL(0, "privileged", R, Q(privileged), "all that you may do yourself"),
	OPT_BOOL(0, "nested", R, Q(nested), "it may make user namespaces of its own"),
	OPT_BOOL(0, "hardened", R, Q(hardened),
		 "less than the default: read-only, fewer capabilities, no new privileges"),
	OPT_STRINGS(0, "sysctl", R, Q(sysctl), "NAME=VALUE", "a setting of its namespaces"),
	OPT_STRINGS(0, "ulimit", R, Q(ulimit), "NAME=SOFT[:HARD]", "a limit of the process"),
	OPT_STR(0, "oom-score-adj", R, Q(oom_score_adj), "N", "0 to 1000, first to go"),
	/* limits */
	OPT_NANO(0, "cpus", R, Q(nano_cpus), "N", "CPUs it may use, such as 1.5"),
	OPT_SIZE('m', "memory", R, Q(memory), "SIZE",
		 "most memory it may use, such as 512m; above, processes are killed"),
	OPT_STR(0, "memory-swap", R, Q(memory_swap), "SIZE", "memory plus swap, -1 = no limit"),
	OPT_SIZE(0, "memory-reservation", R, Q(memory_reservation), "SIZE",
		 "memory that stays its own when the machine runs short"),
	OPT_STR(0, "pids-limit", R, Q(pids_limit), "N", "processes (2048), -1 = no limit"),
	RUN_CPU_OPTIONS(R, req),
	RUN_DISK_OPTIONS(R, req),
	OPT_BOOL(0, "oom-kill-disable", R, Q(limit.oom_kill_disable), "no effect with cgroup v2"),
	OPT_STRINGS(0, "cgroup-conf", R, Q(limit.conf), "FILE=VALUE",
		    "a file of its cgroup, such as memory.high=1073741824"),
	OPT_STR(0, "cgroup-parent", R, Q(limit.cgroup_parent), "SLICE|PATH",
		"where its cgroup is made: a slice of systemd, or a cgroup that you may write"),
	OPT_STR(0, "cgroups", R, Q(limit.cgroups), "enabled|disabled|no-conmon|split",
		"whether it has a cgroup of its own, and who else is in it (enabled)"),
	OPT_BOOL(0, "strict-limits", R, Q(strict_limits),
		 "a limit that is approximate or cannot be applied is an error"),
	/* values that mean "as it is" are taken, see run_opts_finish() */
	OPT_STR(0, "systemd", R, systemd, "MODE", NULL),
	/* no effect on any Linux of today, or on us */
	OPT_IGNORE_BOOL("disable-content-trust"),
	OPT_IGNORE("kernel-memory"),
	OPT_STR(0, "runtime", R, runtime, "NAME", NULL),
	/* later */
	OPT_LATER(0, "chrootdirs"),
	OPT_LATER(0, "cpu-count"),
	OPT_LATER(0, "cpu-percent"),
	OPT_LATER(0, "decryption-key"),
	OPT_LATER(0, "gpus"),
	OPT_LATER(0, "hosts-file"),
	OPT_LATER(0, "init-path"),
	OPT_LATER(0, "io-maxbandwidth"),
	OPT_LATER(0, "io-maxiops"),
	OPT_IGNORE("isolation"), /* of Docker, "default" on Linux */
	OPT_LATER(0, "link"),
	OPT_LATER(0, "link-local-ip"),
	OPT_LATER(0, "personality"),
	OPT_LATER(0, "pod"),
	OPT_LATER(0, "pod-id-file"),
	OPT_LATER(0, "preserve-fd"),
	OPT_LATER(0, "rdt-class"),
	OPT_LATER(0, "requires"),
	OPT_LATER(0, "retry-delay"),
	OPT_LATER(0, "rmi"),
	OPT_LATER(0, "seccomp-policy"),
	OPT_LATER(0, "shm-size-systemd"),
	OPT_LATER(0, "signature-policy"),
	OPT_LATER(0, "storage-opt"),
	OPT_LATER(0, "variant"),
	OPT_LATER(0, "volume-driver"),
	OPT_END,
};

/* A flag whose other values come later: only the one that changes nothing is fine today. */
static int only(const char *flag, const char *v, const char *a, const char *b, struct rl_err *err)
{
	if (!v || !*v || strcmp(v, a) == 0 || strcmp(v, b) == 0)
		return 0;
	return rl_fail(err, ENOTSUP, "not supported yet: %s %s", flag, v);
}

static int check_attach(const struct run_opts *o, struct rl_err *err)
{
	for (size_t i = 0; i < o->attach.n; i++) {
		const char *s = o->attach.v[i];

		if (strcasecmp(s, "stdin") != 0 && strcasecmp(s, "stdout") != 0 &&
		    strcasecmp(s, "stderr") != 0)
			return rl_fail(err, EINVAL,
				       "invalid value '%s' for '--attach': expected stdin, stdout "
				       "or stderr",
				       s);
	}
	return o->attach.n > 0 && o->detach
		       ? rl_fail(err, EINVAL, "'--attach' and '--detach' exclude each other")
		       : 0;
}

bool run_opts_attached(const struct run_opts *o, const char *stream)
{
	for (size_t i = 0; i < o->attach.n; i++)
		if (strcasecmp(o->attach.v[i], stream) == 0)
			return true;
	return o->attach.n == 0;
}

/* Either one mode, or any number of named networks. */
static int check_networks(struct create_req *q, struct rl_err *err)
{
	if (q->networks.n == 0)
		return 0;
	q->network = q->networks.v[0];
	for (size_t i = 0; q->networks.n > 1 && i < q->networks.n; i++)
		if (!endpoint_is_named(q->networks.v[i]))
			return rl_fail(err, EINVAL,
				       "'--network %s' excludes other networks: only named ones "
				       "go together",
				       q->networks.v[i]);
	return 0;
}

/* "--name ''" of a script is the same as no --name, as with Docker and Podman; of these and no others. */
static void forget_empty(struct run_opts *o)
{
	struct create_req *q = &o->req;
	const char **const plain[] = {
		&q->name,        &q->hostname, &q->domainname, &q->workdir, &q->platform,
		&o->arch,        &o->os,       &q->cidfile,    &q->pidfile, &q->conmon_pidfile,
		&q->stop_signal, &q->ip,       &q->ip6,        &q->tz,      &q->mac_address,
	};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (*plain[i] && !**plain[i])
			*plain[i] = NULL;
}

int run_opts_finish(struct run_opts *o, const struct cmd_args *args, struct rl_err *err)
{
	struct create_req *q = &o->req;
	int r = global_check_runtime(o->runtime, err);

	forget_empty(o);
	if (r == 0)
		r = check_attach(o, err);
	if (r == 0)
		r = check_networks(q, err);
	if (r == 0)
		r = notify_check(q->sdnotify, err);
	if (r == 0)
		r = only("--systemd", o->systemd, "false", "true", err);
	if (r == 0)
		r = only("--os", o->os, "linux", "linux", err);
	if (r < 0)
		return r;
	if (args->n == 0)
		return rl_fail(err, EINVAL, "no image (or folder, with --rootfs) was named");
	if (o->arch && q->platform)
		return rl_fail(err, EINVAL, "'--arch' and '--platform' exclude each other");
	if (o->arch)
		q->platform = o->arch;
	q->image = args->v[0];
	q->args = args->v + 1;
	q->n_args = args->n - 1;
	q->line = args->line;
	q->n_line = args->n_line;
	q->stop_timeout = o->stop_timeout;
	q->no_read_only_tmpfs = !o->read_only_tmpfs;
	q->no_http_proxy = !o->http_proxy;
	q->tls_no_verify = !o->tls_verify;
	q->no_passwd = !o->passwd;
	return 0;
}
