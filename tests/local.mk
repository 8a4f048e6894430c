# Lists here are one entry a line, each line whole, so that branches merge without conflicts.

# Unit tests: one program per module, tests/unit/test_<file>.c; the source's name is the program's
# name plus .c, so a new test is one line here. What needs the helper rl-image's code adds
# "tests_unit_test_<file>_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)".
UNIT_TESTS =
UNIT_TESTS += tests/unit/test_apply
UNIT_TESTS += tests/unit/test_archive_in
UNIT_TESTS += tests/unit/test_auth
UNIT_TESTS += tests/unit/test_buf
UNIT_TESTS += tests/unit/test_cgroup
UNIT_TESTS += tests/unit/test_challenge
UNIT_TESTS += tests/unit/test_confine
UNIT_TESTS += tests/unit/test_ctr
UNIT_TESTS += tests/unit/test_detach
UNIT_TESTS += tests/unit/test_change
UNIT_TESTS += tests/unit/test_distro
UNIT_TESTS += tests/unit/test_dns
UNIT_TESTS += tests/unit/test_err
UNIT_TESTS += tests/unit/test_events
UNIT_TESTS += tests/unit/test_frame
UNIT_TESTS += tests/unit/test_exec_spec
UNIT_TESTS += tests/unit/test_format
UNIT_TESTS += tests/unit/test_help
UNIT_TESTS += tests/unit/test_idle
UNIT_TESTS += tests/unit/test_health
UNIT_TESTS += tests/unit/test_idmap
UNIT_TESTS += tests/unit/test_image
UNIT_TESTS += tests/unit/test_io
UNIT_TESTS += tests/unit/test_json
UNIT_TESTS += tests/unit/test_layer
UNIT_TESTS += tests/unit/test_logjournal
UNIT_TESTS += tests/unit/test_net
UNIT_TESTS += tests/unit/test_manifest
UNIT_TESTS += tests/unit/test_netlink
UNIT_TESTS += tests/unit/test_opt
UNIT_TESTS += tests/unit/test_pack
UNIT_TESTS += tests/unit/test_parse
UNIT_TESTS += tests/unit/test_platform
UNIT_TESTS += tests/unit/test_policy
UNIT_TESTS += tests/unit/test_proc
UNIT_TESTS += tests/unit/test_procs
UNIT_TESTS += tests/unit/test_pump
UNIT_TESTS += tests/unit/test_publish
UNIT_TESTS += tests/unit/test_ref
UNIT_TESTS += tests/unit/test_registries
UNIT_TESTS += tests/unit/test_restart
UNIT_TESTS += tests/unit/test_rewrite
UNIT_TESTS += tests/unit/test_rl
UNIT_TESTS += tests/unit/test_seccomp
UNIT_TESTS += tests/unit/test_siphash
UNIT_TESTS += tests/unit/test_rootpath
UNIT_TESTS += tests/unit/test_spec
UNIT_TESTS += tests/unit/test_spec_build
UNIT_TESTS += tests/unit/test_spec_schema
UNIT_TESTS += tests/unit/test_subid
UNIT_TESTS += tests/unit/test_template
UNIT_TESTS += tests/unit/test_toml
UNIT_TESTS += tests/unit/test_usage
UNIT_TESTS += tests/unit/test_userdb
UNIT_TESTS += tests/unit/test_volopt
UNIT_TESTS += tests/unit/test_volume
UNIT_TESTS += tests/unit/test_waiting
UNIT_TESTS += tests/unit/test_yaml
UNIT_TESTS += tests/unit/test_when

# Fuzz targets, tests/fuzz/fuzz_<name>.c with its seeds in tests/fuzz/corpus/<name>/: one line
# here; what needs rl-image's code adds "tests_fuzz_fuzz_<name>_LDADD = $(FUZZ_IMAGE_LIBS)".
# An ordinary build links tests/fuzz/replay.c and `make check` replays the seeds; with
# --enable-fuzzing the same files become libFuzzer programs (tests/fuzz/run SECONDS).
FUZZ_TARGETS =
FUZZ_TARGETS += tests/fuzz/fuzz_apply
FUZZ_TARGETS += tests/fuzz/fuzz_challenge
FUZZ_TARGETS += tests/fuzz/fuzz_change
FUZZ_TARGETS += tests/fuzz/fuzz_dns
FUZZ_TARGETS += tests/fuzz/fuzz_events
FUZZ_TARGETS += tests/fuzz/fuzz_exec_spec
FUZZ_TARGETS += tests/fuzz/fuzz_pump
FUZZ_TARGETS += tests/fuzz/fuzz_frame
FUZZ_TARGETS += tests/fuzz/fuzz_health
FUZZ_TARGETS += tests/fuzz/fuzz_image_record
FUZZ_TARGETS += tests/fuzz/fuzz_inflate
FUZZ_TARGETS += tests/fuzz/fuzz_json
FUZZ_TARGETS += tests/fuzz/fuzz_log_journal
FUZZ_TARGETS += tests/fuzz/fuzz_manifest
FUZZ_TARGETS += tests/fuzz/fuzz_monitor
FUZZ_TARGETS += tests/fuzz/fuzz_imgconfig
FUZZ_TARGETS += tests/fuzz/fuzz_policy
FUZZ_TARGETS += tests/fuzz/fuzz_net_options
FUZZ_TARGETS += tests/fuzz/fuzz_publish
FUZZ_TARGETS += tests/fuzz/fuzz_procs
FUZZ_TARGETS += tests/fuzz/fuzz_ref
FUZZ_TARGETS += tests/fuzz/fuzz_sigconf
FUZZ_TARGETS += tests/fuzz/fuzz_secret
FUZZ_TARGETS += tests/fuzz/fuzz_spec
FUZZ_TARGETS += tests/fuzz/fuzz_seccomp_profile
FUZZ_TARGETS += tests/fuzz/fuzz_state
FUZZ_TARGETS += tests/fuzz/fuzz_subid
FUZZ_TARGETS += tests/fuzz/fuzz_tarout
FUZZ_TARGETS += tests/fuzz/fuzz_template
FUZZ_TARGETS += tests/fuzz/fuzz_toml
FUZZ_TARGETS += tests/fuzz/fuzz_userdb
FUZZ_TARGETS += tests/fuzz/fuzz_volopt
FUZZ_TARGETS += tests/fuzz/fuzz_when

# Checks of the tree itself
LINT_TESTS =
LINT_TESTS += tests/lint/headers.sh
LINT_TESTS += tests/lint/layers.sh
LINT_TESTS += tests/lint/lists.sh
LINT_TESTS += tests/lint/man.sh

# Integration tests: scripts that print TAP, run rl as an unprivileged user and clean up behind
# themselves; 77 = skipped. The small programs that they need are the first list.
INTEGRATION_CHECKS =
INTEGRATION_CHECKS += tests/integration/check_launch
INTEGRATION_CHECKS += tests/integration/check_chtree
INTEGRATION_CHECKS += tests/integration/check_rootfs
INTEGRATION_CHECKS += tests/integration/check_session
INTEGRATION_CHECKS += tests/vm/check_cgroup
INTEGRATION_TESTS =
INTEGRATION_TESTS += tests/integration/limits.sh
INTEGRATION_TESTS += tests/integration/manifest.sh
INTEGRATION_TESTS += tests/integration/why.sh
INTEGRATION_TESTS += tests/integration/commit.sh
INTEGRATION_TESTS += tests/integration/cp.sh
INTEGRATION_TESTS += tests/integration/diff.sh
INTEGRATION_TESTS += tests/integration/doctor.sh
INTEGRATION_TESTS += tests/integration/attach.sh
INTEGRATION_TESTS += tests/integration/hostile_layers.sh
INTEGRATION_TESTS += tests/integration/enable.sh
INTEGRATION_TESTS += tests/integration/events.sh
INTEGRATION_TESTS += tests/integration/exec.sh
INTEGRATION_TESTS += tests/integration/launch.sh
INTEGRATION_TESTS += tests/integration/logdrivers.sh
INTEGRATION_TESTS += tests/integration/login.sh
INTEGRATION_TESTS += tests/integration/net_loop.sh
INTEGRATION_TESTS += tests/integration/netmodes.sh
INTEGRATION_TESTS += tests/integration/network.sh
INTEGRATION_TESTS += tests/integration/shift.sh
INTEGRATION_TESTS += tests/integration/completion.sh
INTEGRATION_TESTS += tests/integration/images.sh
INTEGRATION_TESTS += tests/integration/help.sh
INTEGRATION_TESTS += tests/integration/info.sh
INTEGRATION_TESTS += tests/integration/prune.sh
INTEGRATION_TESTS += tests/integration/bare_folders.sh
INTEGRATION_TESTS += tests/integration/fsck.sh
INTEGRATION_TESTS += tests/integration/tag.sh
INTEGRATION_TESTS += tests/integration/userns.sh
INTEGRATION_TESTS += tests/integration/mounts.sh
INTEGRATION_TESTS += tests/integration/volume.sh
INTEGRATION_TESTS += tests/integration/rootfs.sh
INTEGRATION_TESTS += tests/integration/pull.sh
INTEGRATION_TESTS += tests/integration/trust.sh
INTEGRATION_TESTS += tests/integration/push.sh
INTEGRATION_TESTS += tests/integration/registry_hostile.sh
INTEGRATION_TESTS += tests/integration/kill.sh
INTEGRATION_TESTS += tests/integration/kill_image.sh
INTEGRATION_TESTS += tests/integration/life.sh
INTEGRATION_TESTS += tests/integration/inspect.sh
INTEGRATION_TESTS += tests/integration/profile.sh
INTEGRATION_TESTS += tests/integration/nsmodes.sh
INTEGRATION_TESTS += tests/integration/ps.sh
INTEGRATION_TESTS += tests/integration/stats.sh
INTEGRATION_TESTS += tests/integration/top.sh
INTEGRATION_TESTS += tests/integration/oneid.sh
INTEGRATION_TESTS += tests/integration/health.sh
INTEGRATION_TESTS += tests/integration/restart.sh
INTEGRATION_TESTS += tests/integration/save.sh
INTEGRATION_TESTS += tests/integration/search.sh
INTEGRATION_TESTS += tests/integration/secret.sh
INTEGRATION_TESTS += tests/integration/session.sh
INTEGRATION_TESTS += tests/integration/spec_schema.sh
INTEGRATION_TESTS += tests/integration/update.sh
INTEGRATION_TESTS += tests/integration/without.sh

tests_fuzz_fuzz_frame_LDADD = $(FUZZ_MAIN) libnetloop.a libnet.a libbase.a $(SLIRP_LIBS) \
	$(SECCOMP_LIBS)
FUZZ_IMAGE_LIBS = $(FUZZ_MAIN) $(IMAGE_LIBS)
tests_fuzz_fuzz_apply_LDADD = $(FUZZ_IMAGE_LIBS)
tests_fuzz_fuzz_inflate_LDADD = $(FUZZ_IMAGE_LIBS)
tests_fuzz_fuzz_challenge_LDADD = $(FUZZ_IMAGE_LIBS)
tests_fuzz_fuzz_manifest_LDADD = $(FUZZ_IMAGE_LIBS)
tests_fuzz_fuzz_sigconf_LDADD = $(FUZZ_IMAGE_LIBS)
tests_fuzz_fuzz_tarout_LDADD = $(FUZZ_IMAGE_LIBS)
tests_unit_test_pack_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_challenge_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_manifest_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_rewrite_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
if FUZZING
FUZZ_MAIN = $(FUZZ_ENGINE)
LDADD = $(FUZZ_MAIN) $(RL_LIBS) $(RL_LIBS_EXTERNAL)
noinst_PROGRAMS += $(FUZZ_TARGETS)
else
FUZZ_MAIN = libreplay.a
LDADD = $(FUZZ_MAIN) $(RL_LIBS) $(RL_LIBS_EXTERNAL) $(CMOCKA_LIBS)
check_LIBRARIES = libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay.c
check_PROGRAMS += $(UNIT_TESTS)
check_PROGRAMS += $(FUZZ_TARGETS)
check_PROGRAMS += $(INTEGRATION_CHECKS)
check_PROGRAMS += net-box
TESTS += $(UNIT_TESTS)
TESTS += $(FUZZ_TARGETS)
# confined children have no room for a sanitizer's shadow memory and may not make its system calls
if !SANITIZERS
# "make check SLOW_TESTS=" leaves them out
SLOW_TESTS = $(INTEGRATION_TESTS)
TESTS += $(SLOW_TESTS)
endif
endif
# in the build folder itself, because it looks for rl-net beside it
net_box_SOURCES = tests/integration/net_box.c
net_box_LDADD = libnet.a libbase.a $(SECCOMP_LIBS)
TESTS += $(LINT_TESTS)
AM_TESTS_ENVIRONMENT = CC='$(CC)' LINT_CFLAGS='$(AM_CFLAGS)' \
	LINT_CPPFLAGS='-I$(abs_top_srcdir) -I$(abs_top_builddir)'; export CC LINT_CFLAGS LINT_CPPFLAGS;

EXTRA_DIST += tests/fuzz/corpus
EXTRA_DIST += tests/integration/cp_peer.sh
EXTRA_DIST += tests/bench/inner.sh
EXTRA_DIST += tests/bench/memory
EXTRA_DIST += tests/bench/peers
EXTRA_DIST += tests/bench/run
EXTRA_DIST += tests/bench/net.sh
EXTRA_DIST += tests/integration/net_peer.py
EXTRA_DIST += tests/integration/port_peer.py
EXTRA_DIST += tests/fuzz/run
EXTRA_DIST += tests/integration/badinput.sh
EXTRA_DIST += tests/integration/flags.sh
EXTRA_DIST += tests/integration/hostile_config.sh
EXTRA_DIST += tests/integration/images.sh
EXTRA_DIST += tests/integration/killloop.py
EXTRA_DIST += tests/integration/killimage.py
EXTRA_DIST += tests/integration/leftovers.py
EXTRA_DIST += tests/integration/trees.sh
EXTRA_DIST += tests/integration/lib.sh
EXTRA_DIST += tests/integration/mkimages
EXTRA_DIST += tests/integration/net.sh
EXTRA_DIST += tests/integration/publish.sh
EXTRA_DIST += tests/integration/run.sh
EXTRA_DIST += tests/integration/reboot.sh
EXTRA_DIST += tests/integration/scripted.sh
EXTRA_DIST += tests/integration/storm.sh
EXTRA_DIST += tests/integration/terminal.py
EXTRA_DIST += tests/integration/treelist.c
EXTRA_DIST += tests/integration/unruly.sh
EXTRA_DIST += tests/unit/spec_rig.h
EXTRA_DIST += tests/unit/tar.h
EXTRA_DIST += tests/unit/unit.h
EXTRA_DIST += $(LINT_TESTS)
EXTRA_DIST += $(INTEGRATION_TESTS)
EXTRA_DIST += tests/vm/boot.sh
EXTRA_DIST += tests/vm/guest.sh
EXTRA_DIST += tests/vm/run
EXTRA_DIST += tests/vm/units.sh

# Tools that tests run
check_PROGRAMS += tests/tools/killnth
check_PROGRAMS += tests/tools/refuse
check_PROGRAMS += tests/tools/unpack
tests_tools_refuse_LDADD = libbase.a $(SECCOMP_LIBS)
tests_unit_test_apply_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_archive_in_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_confine_LDADD = $(IMAGE_LIBS) $(CMOCKA_LIBS)
tests_tools_unpack_LDADD = $(IMAGE_LIBS)
EXTRA_DIST += tests/tools/mkhostile.py
EXTRA_DIST += tests/tools/uploads.py
EXTRA_DIST += tests/tools/probe.c
EXTRA_DIST += tests/tools/registry.py

# Yardsticks for the bench scripts
check_PROGRAMS += tests/bench/floor
EXTRA_DIST += tests/README.md
