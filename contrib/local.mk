# The embedded image: "rl run localhost/rl-busybox" finds it without a registry
if HAVE_BUSYBOX
nodist_pkgdata_DATA += contrib/rl-busybox.tar
endif
CLEANFILES += contrib/rl-busybox.tar
contrib/rl-busybox.tar: $(srcdir)/contrib/mkimage
	$(AM_V_at)$(MKDIR_P) contrib
	$(AM_V_GEN)$(srcdir)/contrib/mkimage -b $(BUSYBOX) $@

EXTRA_DIST += .ci/run
EXTRA_DIST += .shellcheckrc
EXTRA_DIST += contrib/apparmor/rl
EXTRA_DIST += contrib/check
EXTRA_DIST += contrib/lib.sh
EXTRA_DIST += contrib/mkimage
EXTRA_DIST += contrib/packages.debian
EXTRA_DIST += contrib/packages.debian-tests
EXTRA_DIST += contrib/quickstart
