#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""silent.py SOCKET UID N - hold N connections to a monitor, as that user, and say nothing"""
import os
import socket
import sys
import time

if os.getuid() == 0:
    os.setuid(int(sys.argv[2]))
os.chdir(os.path.dirname(sys.argv[1]))  # a socket's path may have 108 bytes only
held = []
for _ in range(int(sys.argv[3])):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.setblocking(False)
    try:
        s.connect(os.path.basename(sys.argv[1]))
    except BlockingIOError:
        break
    held.append(s)
time.sleep(60)
