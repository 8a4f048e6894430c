noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES =
libstorage_a_SOURCES += storage/digest.c storage/digest.h
libstorage_a_SOURCES += storage/ref.c storage/ref.h
libstorage_a_SOURCES += storage/registries.c storage/registries.h
libstorage_a_SOURCES += storage/registries_conf.h storage/registries_load.c
libstorage_a_SOURCES += storage/toml.c storage/toml.h
libstorage_a_SOURCES = \
	storage/digest.c storage/digest.h \
	storage/layer.c storage/layer.h \
	storage/ref.c storage/ref.h \
	storage/registries.c storage/registries.h \
	storage/registries_conf.h storage/registries_load.c \
	storage/toml.c storage/toml.h

# The helper rl-image: all that talks to a registry or reads an archive (links what rl must not)
noinst_LIBRARIES += librlimage.a
librlimage_a_SOURCES = \
	storage/image/apply.c storage/image/apply.h \
	storage/image/inflate.c storage/image/inflate.h \
	storage/image/meta.c storage/image/meta.h \
	storage/image/place.c storage/image/place.h \
	storage/image/rmtree.c \
	storage/image/cmds.h \
	storage/image/confine.c storage/image/confine.h \
	storage/image/tarin.c storage/image/tarin.h \
	storage/image/unpack.c storage/image/unpack.h

pkglibexec_PROGRAMS += rl-image
rl_image_SOURCES = storage/image/main.c
rl_image_LDADD = $(IMAGE_LIBS)
