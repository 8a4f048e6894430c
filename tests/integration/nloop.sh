#!/bin/bash
# nloop.sh - the n-th write, open, rename, fsync, mount or clone of a command fails: a sample of kill.sh's loop
#
# The n-th allocation: failmalloc.sh. Every n: LONG=1.
export KILL_FAULTS="${KILL_FAULTS:-EPERM ENOMEM EIO ENOSPC EMFILE}"
export KILL_CASES="${KILL_CASES:-run run-d stop rm}"
export KILL_POINTS="${KILL_POINTS:-2}"
exec bash "$(dirname "$0")/kill.sh"
