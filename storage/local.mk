noinst_LIBRARIES += libstorage.a
libstorage_a_SOURCES = \
	storage/digest.c storage/digest.h \
	storage/ref.c storage/ref.h
