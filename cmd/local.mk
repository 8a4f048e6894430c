noinst_LIBRARIES += libcmd.a
libcmd_a_SOURCES =
libcmd_a_SOURCES += cmd/archive_out.c cmd/archive_out.h
libcmd_a_SOURCES += cmd/cleanup.c
libcmd_a_SOURCES += cmd/cmd.c cmd/cmd.h
libcmd_a_SOURCES += cmd/complete.c
libcmd_a_SOURCES += cmd/completion.c
libcmd_a_SOURCES += cmd/context.c
libcmd_a_SOURCES += cmd/cp.c
libcmd_a_SOURCES += cmd/attach.c
libcmd_a_SOURCES += cmd/create.c
libcmd_a_SOURCES += cmd/exec.c
libcmd_a_SOURCES += cmd/diff.c
libcmd_a_SOURCES += cmd/doctor.c cmd/doctor.h
libcmd_a_SOURCES += cmd/doctor_ids.c
libcmd_a_SOURCES += cmd/doctor_kernel.c
libcmd_a_SOURCES += cmd/doctor_limits.c
libcmd_a_SOURCES += cmd/doctor_net.c
libcmd_a_SOURCES += cmd/doctor_store.c
libcmd_a_SOURCES += cmd/doctor_watch.c
libcmd_a_SOURCES += cmd/enable.c
libcmd_a_SOURCES += cmd/events.c
libcmd_a_SOURCES += cmd/engine/container.c cmd/engine/container.h
libcmd_a_SOURCES += cmd/engine/copy.c cmd/engine/copy.h
libcmd_a_SOURCES += cmd/engine/ctrfs.c cmd/engine/ctrfs.h
libcmd_a_SOURCES += cmd/start.c
libcmd_a_SOURCES += cmd/history.c
libcmd_a_SOURCES += cmd/help.c cmd/help.h
libcmd_a_SOURCES += cmd/healthcheck.c
libcmd_a_SOURCES += cmd/info.c
libcmd_a_SOURCES += cmd/info_security.c cmd/info_security.h
libcmd_a_SOURCES += cmd/version.c cmd/version.h
libcmd_a_SOURCES += cmd/yaml.c cmd/yaml.h
libcmd_a_SOURCES += cmd/global.c cmd/global.h
libcmd_a_SOURCES += cmd/kill.c
libcmd_a_SOURCES += cmd/pause.c
libcmd_a_SOURCES += cmd/restart.c
libcmd_a_SOURCES += cmd/unit_run.c
libcmd_a_SOURCES += cmd/wait.c
libcmd_a_SOURCES += cmd/log_journal.c
libcmd_a_SOURCES += cmd/log_read.c cmd/log_read.h
libcmd_a_SOURCES += cmd/login.c
libcmd_a_SOURCES += cmd/logout.c
libcmd_a_SOURCES += cmd/logs.c
libcmd_a_SOURCES += cmd/man.c cmd/man.h
libcmd_a_SOURCES += cmd/mount.c
libcmd_a_SOURCES += cmd/mounting.c cmd/mounting.h
libcmd_a_SOURCES += cmd/network_check.c
libcmd_a_SOURCES += cmd/manifest.c
libcmd_a_SOURCES += cmd/manifest_out.c
libcmd_a_SOURCES += cmd/network_connect.c
libcmd_a_SOURCES += cmd/network_create.c
libcmd_a_SOURCES += cmd/listing.c cmd/listing.h
libcmd_a_SOURCES += cmd/network_ls.c
libcmd_a_SOURCES += cmd/network_rm.c
libcmd_a_SOURCES += cmd/network_update.c
libcmd_a_SOURCES += cmd/network_view.c cmd/network_view.h
libcmd_a_SOURCES += cmd/port.c
libcmd_a_SOURCES += cmd/why.c
libcmd_a_SOURCES += cmd/stats.c
libcmd_a_SOURCES += cmd/ps.c
libcmd_a_SOURCES += cmd/ps_row.c cmd/ps_row.h
libcmd_a_SOURCES += cmd/ps_filter.c cmd/ps_filter.h
libcmd_a_SOURCES += cmd/purge.c
libcmd_a_SOURCES += cmd/rename.c
libcmd_a_SOURCES += cmd/engine/bindhelp.c cmd/engine/bindhelp.h
libcmd_a_SOURCES += cmd/save.c
libcmd_a_SOURCES += cmd/search.c
libcmd_a_SOURCES += cmd/run.c
libcmd_a_SOURCES += cmd/select.c cmd/select.h
libcmd_a_SOURCES += cmd/filter.c cmd/filter.h
libcmd_a_SOURCES += cmd/format.c cmd/format.h
libcmd_a_SOURCES += cmd/image_filter.c cmd/image_filter.h
libcmd_a_SOURCES += cmd/inspect.c cmd/other_fields.c cmd/other_fields.h
libcmd_a_SOURCES += cmd/ctr_inspect.c cmd/ctr_inspect.h
libcmd_a_SOURCES += cmd/ctr_inspect_config.c
libcmd_a_SOURCES += cmd/ctr_inspect_host.c
libcmd_a_SOURCES += cmd/image_mount.c
libcmd_a_SOURCES += cmd/image_view.c cmd/image_view.h
libcmd_a_SOURCES += cmd/images.c
libcmd_a_SOURCES += cmd/load.c
libcmd_a_SOURCES += cmd/opt.c cmd/opt.h
libcmd_a_SOURCES += cmd/run_options.c cmd/run_options.h
libcmd_a_SOURCES += cmd/pull.c
libcmd_a_SOURCES += cmd/push.c cmd/push_place.h
libcmd_a_SOURCES += cmd/push.c
libcmd_a_SOURCES += cmd/engine/nets.c cmd/engine/nets.h
libcmd_a_SOURCES += cmd/engine/volume_use.c cmd/engine/volume_use.h
libcmd_a_SOURCES += cmd/exists.c
libcmd_a_SOURCES += cmd/prune.c cmd/prune.h
libcmd_a_SOURCES += cmd/prune_cmds.c
libcmd_a_SOURCES += cmd/tag.c
libcmd_a_SOURCES += cmd/secret_create.c
libcmd_a_SOURCES += cmd/secret_ls.c
libcmd_a_SOURCES += cmd/secret_rm.c
libcmd_a_SOURCES += cmd/engine/secretopt.c cmd/engine/secretopt.h
libcmd_a_SOURCES += cmd/volume_create.c
libcmd_a_SOURCES += cmd/volume_ls.c
libcmd_a_SOURCES += cmd/volume_rm.c
libcmd_a_SOURCES += cmd/unshare.c cmd/unshare.h
libcmd_a_SOURCES += cmd/volume_mount.c
libcmd_a_SOURCES += cmd/volume_tar.c
libcmd_a_SOURCES += cmd/volume_view.c cmd/volume_view.h
libcmd_a_SOURCES += cmd/rmi.c
libcmd_a_SOURCES += cmd/system_df.c
libcmd_a_SOURCES += cmd/table.c
libcmd_a_SOURCES += cmd/top.c
libcmd_a_SOURCES += cmd/top_columns.c cmd/top_columns.h
libcmd_a_SOURCES += cmd/top_ps.c cmd/top_ps.h
libcmd_a_SOURCES += cmd/trust.c
libcmd_a_SOURCES += cmd/ctr_view.c cmd/ctr_view.h
libcmd_a_SOURCES += cmd/template.c cmd/template.h cmd/template_ast.h cmd/template_value.h
libcmd_a_SOURCES += cmd/template_exec.c cmd/template_func.c cmd/template_lex.c
libcmd_a_SOURCES += cmd/template_printf.c cmd/template_text.c cmd/template_value.c
libcmd_a_SOURCES += cmd/engine/create.h cmd/engine/spec_parts.h
libcmd_a_SOURCES += cmd/engine/healthopt.c cmd/engine/healthopt.h
libcmd_a_SOURCES += cmd/engine/exec.c cmd/engine/exec.h
libcmd_a_SOURCES += cmd/engine/imgconf.c cmd/engine/imgconf.h
libcmd_a_SOURCES += cmd/engine/life.c cmd/engine/life.h cmd/engine/life_int.h
libcmd_a_SOURCES += cmd/engine/life_stop.c
libcmd_a_SOURCES += cmd/engine/logopt.c cmd/engine/logopt.h
libcmd_a_SOURCES += cmd/engine/limits.h
libcmd_a_SOURCES += cmd/engine/change.c cmd/engine/change.h
libcmd_a_SOURCES += cmd/engine/newimage.c cmd/engine/newimage.h
libcmd_a_SOURCES += cmd/export.c
libcmd_a_SOURCES += cmd/fsck.c
libcmd_a_SOURCES += cmd/commit.c
libcmd_a_SOURCES += cmd/import.c
libcmd_a_SOURCES += cmd/engine/update.c cmd/engine/update.h
libcmd_a_SOURCES += cmd/engine/mntlist.c cmd/engine/mntlist.h
libcmd_a_SOURCES += cmd/engine/notify.c cmd/engine/notify.h
libcmd_a_SOURCES += cmd/engine/nsjoin.c cmd/engine/nsjoin.h
libcmd_a_SOURCES += cmd/engine/ports.c
libcmd_a_SOURCES += cmd/engine/limits_more.c
libcmd_a_SOURCES += cmd/engine/record.c
libcmd_a_SOURCES += cmd/engine/record_limits.c
libcmd_a_SOURCES += cmd/engine/secopt.c
libcmd_a_SOURCES += cmd/engine/spec_asked.c
libcmd_a_SOURCES += cmd/engine/spec_accounts.c
libcmd_a_SOURCES += cmd/engine/spec_build.c
libcmd_a_SOURCES += cmd/engine/spec_device.c
libcmd_a_SOURCES += cmd/engine/spec_env.c
libcmd_a_SOURCES += cmd/engine/spec_files.c
libcmd_a_SOURCES += cmd/engine/spec_harden.c
libcmd_a_SOURCES += cmd/engine/settings.c cmd/engine/settings.h
libcmd_a_SOURCES += cmd/engine/spec_limits.c
libcmd_a_SOURCES += cmd/engine/spec_linux.c
libcmd_a_SOURCES += cmd/engine/spec_mounts.c cmd/engine/spec_mounts.h
libcmd_a_SOURCES += cmd/engine/spec_ns.c
libcmd_a_SOURCES += cmd/engine/spec_userns.c
libcmd_a_SOURCES += cmd/engine/spec_mntkinds.c
libcmd_a_SOURCES += cmd/engine/autoids.c cmd/engine/autoids.h
libcmd_a_SOURCES += cmd/engine/spec_process.c
libcmd_a_SOURCES += cmd/engine/spec_text.c cmd/engine/spec_text.h
libcmd_a_SOURCES += cmd/engine/spec_usermnt.c
libcmd_a_SOURCES += cmd/engine/start.c
libcmd_a_SOURCES += cmd/engine/ulimit.c cmd/engine/ulimit.h
libcmd_a_SOURCES += cmd/engine/userdb.c cmd/engine/userdb.h
libcmd_a_SOURCES += cmd/engine/volopt.c cmd/engine/volopt.h
libcmd_a_SOURCES += cmd/engine/volumes_from.c cmd/engine/volumes_from.h
libcmd_a_SOURCES += cmd/rm.c
libcmd_a_SOURCES += cmd/stop.c
libcmd_a_SOURCES += cmd/update.c

bin_PROGRAMS += rl
rl_SOURCES = cmd/main.c
rl_LDADD = $(RL_LIBS) $(RL_LIBS_EXTERNAL)

# Manual pages, written by a program out of the command tables: which ones, only it knows
if BUILD_MAN
noinst_PROGRAMS += mkman
mkman_SOURCES = cmd/mkman.c
mkman_LDADD = $(RL_LIBS) $(RL_LIBS_EXTERNAL)
noinst_DATA += man/stamp
CLEANFILES += man/stamp
CLEANFILES += man/*.1
man/stamp: mkman$(EXEEXT)
	$(AM_V_at)rm -f man/*.1; $(MKDIR_P) man
	$(AM_V_GEN)./mkman man && touch $@
install-data-local: install-man-pages
install-man-pages: man/stamp
	$(MKDIR_P) "$(DESTDIR)$(mandir)/man1"
	$(INSTALL_DATA) man/*.1 "$(DESTDIR)$(mandir)/man1"
uninstall-local: uninstall-man-pages
uninstall-man-pages: man/stamp
	for page in man/*.1; do rm -f "$(DESTDIR)$(mandir)/man1/$${page#man/}"; done
endif

# The scripts that `rl completion` prints, as bytes
cmd/completion_scripts.h: $(srcdir)/contrib/completion/rl.bash $(srcdir)/contrib/completion/_rl $(srcdir)/contrib/completion/rl.fish
	$(AM_V_GEN){ $(MKDIR_P) cmd; echo '/* made from contrib/completion */'; echo '#pragma once'; \
		for s in bash=rl.bash zsh=_rl fish=rl.fish; do \
			echo "static const unsigned char completion_$${s%%=*}[] = {"; \
			od -An -v -tx1 "$(srcdir)/contrib/completion/$${s#*=}" | sed 's/ \(..\)/0x\1,/g'; echo '};'; \
		done; } >$@.tmp && mv $@.tmp $@
BUILT_SOURCES += cmd/completion_scripts.h
cmd/completion.$(OBJEXT): cmd/completion_scripts.h
CLEANFILES += cmd/completion_scripts.h
