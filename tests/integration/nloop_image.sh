#!/bin/bash
# nloop_image.sh - the n-th call of load, pull and commit fails: a sample of kill_image.sh's loop with other errors
export KILL_FAULTS="${KILL_FAULTS:-EPERM ENOMEM EMFILE}"
export KILL_CASES="${KILL_CASES:-load pull commit}"
export KILL_POINTS="${KILL_POINTS:-1}"
exec bash "$(dirname "$0")/kill_image.sh"
