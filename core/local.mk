noinst_LIBRARIES += libbase.a libcore.a
libbase_a_SOURCES = \
	core/base/banned.h \
	core/base/buf.c core/base/buf.h \
	core/base/cleanup.h \
	core/base/err.c core/base/err.h \
	core/base/io.c core/base/io.h \
	core/base/json.c core/base/json.h \
	core/base/log.c core/base/log.h \
	core/base/parse.c core/base/parse.h \
	core/base/proc.c core/base/proc.h \
	core/base/strv.c core/base/strv.h

libcore_a_SOURCES = \
	core/idmap.c core/idmap.h \
	core/ctr.c core/ctr.h \
	core/monitor.c core/monitor.h \
	core/names.c core/names.h \
	core/pump.c core/pump.h \
	core/relay.c core/relay.h \
	core/rl.c core/rl.h \
	core/sandbox.c core/sandbox.h
