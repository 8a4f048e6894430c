# Unit tests: one program per module, tests/unit/test_<file>.c
LDADD = $(RL_LIBS) $(RL_LIBS_EXTERNAL) $(CMOCKA_LIBS)
UNIT_TESTS = \
	tests/unit/test_idmap \
	tests/unit/test_parse

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
