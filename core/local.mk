noinst_LIBRARIES += libbase.a libcore.a
libbase_a_SOURCES =
libbase_a_SOURCES += core/base/banned.h
libbase_a_SOURCES += core/base/buf.c core/base/buf.h
libbase_a_SOURCES += core/base/cleanup.h
libbase_a_SOURCES += core/base/err.c core/base/err.h
libbase_a_SOURCES += core/base/idle.c core/base/idle.h
libbase_a_SOURCES += core/base/io.c core/base/io.h
libbase_a_SOURCES += core/base/json.c core/base/json.h
libbase_a_SOURCES += core/base/jsonpick.c core/base/jsonpick.h
libbase_a_SOURCES += core/base/log.c core/base/log.h
libbase_a_SOURCES += core/base/parse.c core/base/parse.h
libbase_a_SOURCES += core/base/proc.c core/base/proc.h
libbase_a_SOURCES += core/base/siphash.c core/base/siphash.h
libbase_a_SOURCES += core/base/strv.c core/base/strv.h
libbase_a_SOURCES += core/base/waiting.c core/base/waiting.h
libbase_a_SOURCES += core/base/when.c core/base/when.h

libcore_a_SOURCES =
libcore_a_SOURCES += core/capname.c core/capname.h
libcore_a_SOURCES += core/caps.c core/caps.h
libcore_a_SOURCES += core/cgroup.c core/cgroup.h
libcore_a_SOURCES += core/approx.c core/approx.h
libcore_a_SOURCES += core/cgroup_limits.c core/cgroup_limits.h
libcore_a_SOURCES += core/limits.h
libcore_a_SOURCES += core/memwatch.c core/memwatch.h
libcore_a_SOURCES += core/cgroup_fs.c core/cgroup_fs.h
libcore_a_SOURCES += core/cgroup_probe.c
libcore_a_SOURCES += core/cgroup_try.c
libcore_a_SOURCES += core/cgroup_systemd.c core/cgroup_systemd.h
libcore_a_SOURCES += core/control.c core/control.h
libcore_a_SOURCES += core/copyup.c core/copyup.h
libcore_a_SOURCES += core/ctr.c core/ctr.h
libcore_a_SOURCES += core/ctr_exit.h
libcore_a_SOURCES += core/monitor_health.h
libcore_a_SOURCES += core/ctr_edit.c core/ctr_edit.h
libcore_a_SOURCES += core/ctr_int.h
libcore_a_SOURCES += core/ctr_remove.c
libcore_a_SOURCES += core/ctr_state.c core/ctr_state.h
libcore_a_SOURCES += core/detach.c core/detach.h
libcore_a_SOURCES += core/dev.c
libcore_a_SOURCES += core/distro.c core/distro.h
libcore_a_SOURCES += core/events.c core/events.h
libcore_a_SOURCES += core/events_tail.c core/events_tail.h
libcore_a_SOURCES += core/exec.c core/exec.h
libcore_a_SOURCES += core/exec_spec.c core/exec_spec.h
libcore_a_SOURCES += core/fakeid.c core/fakeid.h
libcore_a_SOURCES += core/health.c core/health.h
libcore_a_SOURCES += core/holder.c core/holder.h
libcore_a_SOURCES += core/idfile.c core/idfile.h
libcore_a_SOURCES += core/idmap.c core/idmap.h
libcore_a_SOURCES += core/idmount.c core/idmount.h
libcore_a_SOURCES += core/init.c core/init.h
libcore_a_SOURCES += core/isolate.c core/isolate.h
libcore_a_SOURCES += core/kernel.c core/kernel.h
libcore_a_SOURCES += core/launch.c core/launch.h
libcore_a_SOURCES += core/logfile.c core/logfile.h
libcore_a_SOURCES += core/logjournal.c core/logjournal.h
libcore_a_SOURCES += core/mask.c
libcore_a_SOURCES += core/mnt.c core/mnt.h
libcore_a_SOURCES += core/monitor.c core/monitor.h core/monitor_int.h core/monitor_serve.h
libcore_a_SOURCES += core/monitor_health.c
libcore_a_SOURCES += core/monitor_limits.c core/monitor_limits.h
libcore_a_SOURCES += core/monitor_net.c core/monitor_net.h
libcore_a_SOURCES += core/monitor_policy.c
libcore_a_SOURCES += core/monitor_serve.c
libcore_a_SOURCES += core/mounts.c
libcore_a_SOURCES += core/names.c core/names.h
libcore_a_SOURCES += core/payload.c core/payload.h
libcore_a_SOURCES += core/nested.c core/nested.h
libcore_a_SOURCES += core/pid1.c
libcore_a_SOURCES += core/procfs.c
libcore_a_SOURCES += core/pump.c core/pump.h
libcore_a_SOURCES += core/procs.c core/procs.h
libcore_a_SOURCES += core/relay.c core/relay.h
libcore_a_SOURCES += core/restart.c core/restart.h
libcore_a_SOURCES += core/rl.c core/rl.h
libcore_a_SOURCES += core/rootpath.c core/rootpath.h
libcore_a_SOURCES += core/sandbox.c core/sandbox.h
libcore_a_SOURCES += core/seccomp.c core/seccomp.h core/seccomp_int.h
libcore_a_SOURCES += core/seccomp_cache.c core/seccomp_profile.c core/seccomp_rules.c
libcore_a_SOURCES += core/seccomp_prologue.c core/seccomp_prologue.h
libcore_a_SOURCES += core/secrets.c core/secrets.h
libcore_a_SOURCES += core/session.c core/session.h
libcore_a_SOURCES += core/sources.c core/sources.h
libcore_a_SOURCES += core/chtree.c core/chtree.h
libcore_a_SOURCES += core/spec.c core/spec.h core/spec_int.h
libcore_a_SOURCES += core/spec_linux.c
libcore_a_SOURCES += core/spec_mounts.c
libcore_a_SOURCES += core/spec_process.c
libcore_a_SOURCES += core/stragglers.c core/stragglers.h
libcore_a_SOURCES += core/subid.c core/subid.h
libcore_a_SOURCES += core/usage.c core/usage.h
libcore_a_SOURCES += core/userns.c core/userns.h

# The stub that executes the payload where rl's own file could be written (core/stub.c): a program
# without libc, embedded as bytes. None of the tree's flags fit it.
STUB_FLAGS = -Os -ffreestanding -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
STUB_LINK = -nostdlib -static -Wl,--build-id=none,-z,noseparate-code,-z,noexecstack,-s
EXTRA_DIST += core/stub.c
if HAVE_STUB
core/stub.elf: core/stub.c
	$(AM_V_CCLD)$(MKDIR_P) core && $(CC) $(AM_CPPFLAGS) $(STUB_FLAGS) -c -o core/stub.o \
		$(srcdir)/core/stub.c && $(CC) $(STUB_LINK) -o $@ core/stub.o
core/stub_bytes.h: core/stub.elf
	$(AM_V_GEN){ echo '/* made from core/stub.c */'; echo '#pragma once'; \
		echo 'static const unsigned char stub_bytes[] = {'; \
		od -An -v -tx1 core/stub.elf | sed 's/ \(..\)/0x\1,/g'; echo '};'; } >$@.tmp && \
		mv $@.tmp $@
BUILT_SOURCES += core/stub_bytes.h
core/payload.$(OBJEXT): core/stub_bytes.h
CLEANFILES += core/stub.elf core/stub.o core/stub_bytes.h
endif
