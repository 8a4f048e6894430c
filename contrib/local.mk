# The default seccomp profile. Programs in the build tree look for it in contrib/ beside them.
dist_pkgdata_DATA += contrib/seccomp.json
noinst_DATA += contrib/seccomp.stamp
CLEANFILES += contrib/seccomp.stamp
contrib/seccomp.stamp: $(srcdir)/contrib/seccomp.json
	$(AM_V_at)$(MKDIR_P) contrib
	$(AM_V_GEN)test contrib/seccomp.json -ef $(srcdir)/contrib/seccomp.json || \
		cp $(srcdir)/contrib/seccomp.json contrib/seccomp.json; touch $@
clean-local-seccomp:
	test contrib/seccomp.json -ef $(srcdir)/contrib/seccomp.json || \
		rm -f contrib/seccomp.json
clean-local: clean-local-seccomp

# The embedded image: "rl run localhost/rl-busybox" finds it without a registry
if HAVE_BUSYBOX
nodist_pkgdata_DATA += contrib/rl-busybox.tar
endif
CLEANFILES += contrib/rl-busybox.tar
contrib/rl-busybox.tar: $(srcdir)/contrib/mkimage
	$(AM_V_at)$(MKDIR_P) contrib
	$(AM_V_GEN)$(srcdir)/contrib/mkimage -b $(BUSYBOX) $@

# Examples for an administrator, below share/rl; rl doctor names them where they help
apparmordir = $(pkgdatadir)/apparmor
dist_apparmor_DATA = contrib/apparmor/rl
systemddir = $(pkgdatadir)/systemd
dist_systemd_DATA = contrib/systemd/delegate.conf
sysctldir = $(pkgdatadir)/sysctl
dist_sysctl_DATA =
dist_sysctl_DATA += contrib/sysctl/60-rl.conf
dist_sysctl_DATA += contrib/sysctl/61-rl-low-ports.conf

EXTRA_DIST += .ci/run
EXTRA_DIST += .shellcheckrc
EXTRA_DIST += contrib/check
EXTRA_DIST += contrib/lib.sh
EXTRA_DIST += contrib/mkimage
EXTRA_DIST += contrib/packages.debian
EXTRA_DIST += contrib/packages.debian-tests
EXTRA_DIST += contrib/quickstart

# The skeleton of a new part: built and run so that it never rots
EXTRA_DIST += contrib/skeleton/README.md
if !FUZZING
check_PROGRAMS += contrib/skeleton/test_skel
contrib_skeleton_test_skel_SOURCES = contrib/skeleton/test_skel.c contrib/skeleton/skel.c \
	contrib/skeleton/skel.h contrib/skeleton/skel_cmd.c
check_PROGRAMS += contrib/skeleton/fuzz_skel
contrib_skeleton_fuzz_skel_SOURCES = contrib/skeleton/fuzz_skel.c contrib/skeleton/skel.c
TESTS += contrib/skeleton/test_skel
TESTS += contrib/skeleton/fuzz_skel
endif

# Completion for shells, in the places where they look
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = contrib/completion/rl
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = contrib/completion/_rl
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = contrib/completion/rl.fish
EXTRA_DIST += contrib/completion/rl.bash
# bash-completion looks for a file with the command's name
CLEANFILES += contrib/completion/rl
contrib/completion/rl: $(srcdir)/contrib/completion/rl.bash
	$(AM_V_at)$(MKDIR_P) contrib/completion
	$(AM_V_GEN)cp $(srcdir)/contrib/completion/rl.bash $@
