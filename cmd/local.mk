noinst_LIBRARIES += libcmd.a
libcmd_a_SOURCES = \
	cmd/cmd.c cmd/cmd.h \
	cmd/opt.c cmd/opt.h \
	cmd/table.c

bin_PROGRAMS += rl
rl_SOURCES = cmd/main.c
rl_LDADD = $(RL_LIBS) $(RL_LIBS_EXTERNAL)
