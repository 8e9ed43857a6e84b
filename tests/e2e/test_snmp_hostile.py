"""Masters that are odd, broken or hostile: nothing ends but the connection,
no probe is missed, and an honest one that takes its place is served."""

import random
import socket
import struct

import pytest

import agentx_peer as ax
from agentx_peer import Peer
from harness import wait
from test_snmp import Master, connected
from test_snmp_faults import OBJECTS, Probing, back, daemon

# Malformed requests of one connection.
EACH = 5


def garbage(peer, c):
    dice = random.Random(peer.connections)
    c.sendall(dice.randbytes(dice.choice([1, 19, 20, 21, 4096])))
    peer.read(c)


def half_of_an_answer(peer, c):
    kind, session, transaction, packet, _ = peer.read(c)
    c.sendall(ax.response(1, transaction, packet)[:peer.connections % 28])


def refused(peer, c):
    """Every error that there is, to Open."""
    kind, session, transaction, packet, _ = peer.read(c)
    errors = (256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 266, 267, 268, 1, 5, 65535)
    c.sendall(ax.response(0, transaction, packet, error=errors[peer.connections % len(errors)]))
    peer.read(c)


def registration_refused(peer, c):
    """It is let in, and may serve nothing."""
    peer.welcome(c, until=ax.OPEN)
    while True:
        kind, session, transaction, packet, _ = peer.read(c)
        c.sendall(ax.response(1, transaction, packet, error=263 if kind == ax.REGISTER else 0))


def silent(peer, c):
    """It takes what it is sent, and says nothing."""
    while True:
        peer.read(c)


def closes_after_open(peer, c):
    peer.welcome(c, until=ax.OPEN)
    c.sendall(ax.pdu(ax.CLOSE, struct.pack(">BBBB", 5, 0, 0, 0)))
    peer.read(c)


def endless(peer, c):
    """Requests without a pause, and nobody reads the answers."""
    peer.welcome(c, until=ax.REGISTER, count=2)
    ask = ax.search(OBJECTS, OBJECTS[:-1] + "2")
    burst = b"".join(ax.pdu(ax.GETBULK, struct.pack(">HH", 0, 65535) + ask * 20, packet=n) for n in range(50))
    while True:
        c.sendall(burst)


def malformed(peer, c):
    """Requests with one thing wrong; then the connection ends."""
    peer.welcome(c, until=ax.REGISTER, count=2)
    good = ax.search(OBJECTS)
    cases = [
        ax.pdu(ax.GETNEXT, good, version=2),
        ax.pdu(ax.GETNEXT, good, session=99),
        ax.pdu(ax.GETNEXT, good, flags=0),
        ax.pdu(ax.GETNEXT, good[:-3]),
        ax.pdu(ax.GETNEXT, b""),
        ax.pdu(ax.GETNEXT, struct.pack("BBBB", 255, 0, 0, 0) + bytes(8)),
        ax.pdu(ax.GETNEXT, struct.pack("BBBB", 128, 2, 1, 0) + bytes(512) + ax.oid("")),
        ax.pdu(ax.GETNEXT, struct.pack("BBBB", 129, 0, 1, 0) + bytes(516) + ax.oid("")),
        ax.pdu(ax.GETNEXT, struct.pack("BBBB", 255, 255, 255, 255) + bytes(1020) + ax.oid("")),
        ax.pdu(ax.GET, ax.oid("") + ax.oid("")),
        ax.pdu(ax.GETBULK, struct.pack(">HH", 65535, 65535) + good * 3),
        ax.pdu(ax.GETBULK, b"\0"),
        ax.pdu(ax.RESPONSE, b""),
        ax.pdu(ax.RESPONSE, struct.pack(">IHH", 1, 0, 0) + struct.pack(">HH", 4, 0) + ax.oid("1.3")),
        ax.pdu(ax.RESPONSE, struct.pack(">IHH", 1, 0, 0), packet=0xffffffff),
        ax.pdu(0, good), ax.pdu(19, good), ax.pdu(255, good),
        ax.pdu(ax.NOTIFY, good), ax.pdu(ax.OPEN, good), ax.pdu(ax.REGISTER, good),
        ax.pdu(ax.INDEXALLOCATE, good),
        ax.pdu(ax.GET, good, flags=ax.NETWORK_ORDER | 0x08),
        ax.pdu(ax.GET, struct.pack(">I", 5) + b"blue\0\0\0\0" + good, flags=ax.NETWORK_ORDER | 0x08),
        ax.pdu(ax.GET, struct.pack(">I", 0xffffffff) + good, flags=ax.NETWORK_ORDER | 0x08),
        ax.pdu(ax.GETNEXT, good, flags=0xff),
        ax.header(ax.GETNEXT, good, length=0xfffffff0) + good,
        ax.header(ax.GETNEXT, good, length=1 << 20) + bytes(1 << 20),
        ax.header(ax.GETNEXT, good, length=3) + good,
    ]
    c.settimeout(0.3)
    first = (peer.connections - 1) * EACH
    for case in cases[first:first + EACH]:
        c.sendall(case)
        try:
            while True:
                peer.read(c)
        except TimeoutError:
            pass
    assert first < len(cases) + EACH


def one_byte_at_a_time(peer, c):
    """An honest one on a slow line."""
    c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    peer.welcome(c, until=ax.REGISTER, count=2)
    for byte in ax.pdu(ax.GETNEXT, ax.search(OBJECTS), packet=5):
        c.sendall(bytes([byte]))
    peer.answers.append(peer.answer(c, 5))
    raise OSError("enough")


@pytest.mark.parametrize("manner, times", [
    (garbage, 4), (half_of_an_answer, 4), (refused, 5), (registration_refused, 1), (silent, 2),
    (closes_after_open, 3), (endless, 1), (malformed, 6), (one_byte_at_a_time, 1)], ids=lambda m: getattr(m, "__name__", ""))
def test_a_master_that_is_not_one(bench, manner, times):
    master = Master(bench)
    d = daemon(bench, master)
    peer = Peer(bench, master.socket, manner)
    wait("its first connection", lambda: peer.connections >= 1, 30)
    watch = Probing(d)
    wait("it to be tried", lambda: peer.connections >= times and (peer.opened or manner not in (
        registration_refused, endless, malformed, one_byte_at_a_time)), 300)
    if manner is one_byte_at_a_time:
        wait("the answer", lambda: peer.answers)
        assert struct.unpack(">H", peer.answers[0][4:6])[0] == 0
    watch.end()
    assert d.request("/-/healthy")[0] == 200
    peer.close()
    master.start()
    back(d, master, 1, 40)
    assert d.stop() == 0


def test_what_masters_may_ask(bench):
    """All that RFC 2741 has and the master of net-snmp does not send."""
    found = {}

    def serve(peer, c):
        peer.welcome(c, until=ax.REGISTER, count=2)
        error = lambda answer: struct.unpack(">H", answer[4:6])[0]
        count = OBJECTS + ".1.8.0"
        # GetBulk: a single one, then many of many, over the end of the range.
        bulk = peer.ask(c, ax.GETBULK, struct.pack(">HH", 0, 10) + ax.search(OBJECTS + ".1", OBJECTS + ".2"))
        found["bulk"] = (error(bulk), len(bulk))
        found["next"] = peer.ask(c, ax.GETNEXT, ax.search(count, OBJECTS + ".1.8.1"))[8:10]
        found["included"] = peer.ask(c, ax.GETNEXT, ax.search(count, OBJECTS + ".1.8.1", include=1))[8:10]
        found["get"] = peer.ask(c, ax.GET, ax.search(count))[8:10]
        found["many"] = len(peer.ask(c, ax.GETNEXT, ax.search(OBJECTS) * 500))
        found["foreign"] = peer.ask(c, ax.GET, ax.search("1.3.6.1.2.1.1.1.0"))[8:10]
        # Sets in all their steps: refused, and forgotten.
        value = struct.pack(">HH", 66, 0) + ax.oid(count) + struct.pack(">I", 7)
        found["set"] = error(peer.ask(c, ax.TESTSET, value))
        peer.ask(c, ax.UNDOSET, b"")
        c.sendall(ax.pdu(ax.CLEANUPSET, b"", packet=90))
        # In the other order of octets.
        found["little"] = peer.ask(c, ax.GET, ax.search(count, order="<"), flags=0, packet=91)[8:10]
        peer.answers.append(True)
        ax.Peer.read(peer, c)

    master = Master(bench)
    d = daemon(bench, master)
    peer = Peer(bench, master.socket, serve)
    wait("the answers", lambda: peer.answers, 40)
    gauge, end, missing = (struct.pack(">H", n) for n in (66, 130, 129))
    assert found["bulk"][0] == 0 and found["bulk"][1] > 200, found
    assert found["next"] == end and found["included"] == found["get"] == gauge, found
    assert found["many"] > 500 * 20 and found["foreign"] in (missing, struct.pack(">H", 128)), found
    assert found["set"] == 17 and found["little"] == struct.pack("<H", 66), found
    assert d.request("/-/healthy")[0] == 200
    peer.close()
    assert d.stop() == 0
