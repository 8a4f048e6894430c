noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES = \
	storage/digest.c storage/digest.h \
	storage/ref.c storage/ref.h \
	storage/registries.c storage/registries.h \
	storage/registries_conf.h storage/registries_load.c \
	storage/toml.c storage/toml.h
