noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES =
libstorage_a_SOURCES += storage/digest.c storage/digest.h
libstorage_a_SOURCES += storage/image.c storage/image.h storage/image_store.h
libstorage_a_SOURCES += storage/image_names.c
libstorage_a_SOURCES += storage/image_remove.c
libstorage_a_SOURCES += storage/image_sweep.c
libstorage_a_SOURCES += storage/image_write.c
libstorage_a_SOURCES += storage/layer.c storage/layer.h
libstorage_a_SOURCES += storage/platform.c storage/platform.h
libstorage_a_SOURCES += storage/ref.c storage/ref.h
libstorage_a_SOURCES += storage/registries.c storage/registries.h
libstorage_a_SOURCES += storage/registries_conf.h storage/registries_load.c
libstorage_a_SOURCES += storage/toml.c storage/toml.h
libstorage_a_SOURCES += storage/volume.c storage/volume.h

# The helper rl-image: all that talks to a registry or reads an archive (links what rl must not)
noinst_LIBRARIES += librlimage.a
librlimage_a_SOURCES =
librlimage_a_SOURCES += storage/image/apply.c storage/image/apply.h
librlimage_a_SOURCES += storage/image/archive_in.c storage/image/archive_in.h
librlimage_a_SOURCES += storage/image/child.c storage/image/child.h
librlimage_a_SOURCES += storage/image/cmds.h
librlimage_a_SOURCES += storage/image/confine.c storage/image/confine.h
librlimage_a_SOURCES += storage/image/inflate.c storage/image/inflate.h
librlimage_a_SOURCES += storage/image/meta.c storage/image/meta.h
librlimage_a_SOURCES += storage/image/place.c storage/image/place.h
librlimage_a_SOURCES += storage/image/rmtree.c
librlimage_a_SOURCES += storage/image/tarin.c storage/image/tarin.h
librlimage_a_SOURCES += storage/image/unpack.c storage/image/unpack.h

pkglibexec_PROGRAMS += rl-image
rl_image_SOURCES = storage/image/main.c
rl_image_LDADD = $(IMAGE_LIBS)
