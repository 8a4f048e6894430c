noinst_LIBRARIES += libcmd.a
libcmd_a_SOURCES =
libcmd_a_SOURCES += cmd/cmd.c cmd/cmd.h
libcmd_a_SOURCES += cmd/opt.c cmd/opt.h
libcmd_a_SOURCES += cmd/table.c
libcmd_a_SOURCES += cmd/template.c cmd/template.h cmd/template_ast.h
libcmd_a_SOURCES += cmd/template_exec.c cmd/template_func.c

bin_PROGRAMS += rl
rl_SOURCES = cmd/main.c
rl_LDADD = $(RL_LIBS) $(RL_LIBS_EXTERNAL)
EXTRA_DIST += cmd/engine/run.c cmd/engine/run.h cmd/engine/create.h
