"""capture.py INTERFACE FILE: what passes there, in the pcap format with
nanoseconds, stamped by the kernel; says "capturing" once it does. tcpdump
would do, but it cannot give up privileges in a user namespace of one user."""

import socket
import struct
import sys

SO_TIMESTAMPNS = 35
ETH_P_ALL = 3

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.bind((sys.argv[1], ETH_P_ALL))
with open(sys.argv[2], "wb", 0) as out:
    out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
    print("capturing", flush=True)
    while True:
        frame, ancillary, _, _ = s.recvmsg(65535, 64)
        sec, nsec = struct.unpack("qq", ancillary[0][2][:16])
        out.write(struct.pack("<IIII", sec, nsec, len(frame), len(frame)) + frame)
