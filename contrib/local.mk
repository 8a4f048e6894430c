EXTRA_DIST += $(empty)
