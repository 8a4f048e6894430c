noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES =
libstorage_a_SOURCES += storage/digest.c storage/digest.h
libstorage_a_SOURCES += storage/ref.c storage/ref.h
libstorage_a_SOURCES += storage/registries.c storage/registries.h
libstorage_a_SOURCES += storage/registries_conf.h storage/registries_load.c
libstorage_a_SOURCES += storage/toml.c storage/toml.h
