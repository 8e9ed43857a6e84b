"""A small DNS responder on loopback whose zone a test may change."""

import ipaddress
import socket
import struct
import threading

A, AAAA = 1, 28


class Nameserver:
    """zone: name to a list of addresses; a name that is not there does not
    exist. silent: answers nothing."""

    def __init__(self, bench, zone, ttl=1):
        self.zone, self.ttl, self.silent, self.asked = dict(zone), ttl, False, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        bench.closing.append(self.close)

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(2048)
            if client[1] == self.socket.getsockname()[1]:
                return
            answer = self._answer(query)
            if not self.silent:
                self.socket.sendto(answer, client)

    def _answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels)
        self.asked.append((name, kind))
        found = [ipaddress.ip_address(a) for a in self.zone.get(name, [])]
        found = [a.packed for a in found if (a.version == 4) == (kind == A)]
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, self.ttl, len(p)) + p for p in found)
        # RFC 1035 section 4.1.1: QR, RD and RA are set; 3 is a name error.
        flags = 0x8180 | (0 if name in self.zone else 3)
        return (query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
                + query[12:at + 5] + records)

    def close(self):
        # A datagram from the socket to itself ends the thread.
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()
