"""An AgentX master of a test's own (RFC 2741): it says what the test wants it
to, also what no honest one would."""

import socket
import struct
import threading

OPEN, CLOSE, REGISTER, UNREGISTER, GET, GETNEXT, GETBULK = range(1, 8)
TESTSET, COMMITSET, UNDOSET, CLEANUPSET, NOTIFY, PING = range(8, 14)
INDEXALLOCATE, INDEXDEALLOCATE, ADDCAPS, REMOVECAPS, RESPONSE = range(14, 19)
NETWORK_ORDER = 0x10


def header(kind, payload, session=1, transaction=1, packet=1, flags=NETWORK_ORDER, version=1, length=None):
    order = ">" if flags & NETWORK_ORDER else "<"
    return struct.pack(order + "BBBBIIII", version, kind, flags, 0, session, transaction, packet,
                       len(payload) if length is None else length)


def pdu(kind, payload=b"", **kw):
    return header(kind, payload, **kw) + payload


def response(session, transaction, packet, error=0, index=0, more=b"", **kw):
    return pdu(RESPONSE, struct.pack(">IHH", 4711, error, index) + more,
               session=session, transaction=transaction, packet=packet, **kw)


def oid(text, include=0, order=">"):
    parts = [int(p) for p in text.split(".")] if text else []
    return struct.pack("BBBB", len(parts), 0, include, 0) + struct.pack(f"{order}{len(parts)}I", *parts)


def search(first, last="", include=0, order=">"):
    return oid(first, include, order) + oid(last, 0, order)


class Peer:
    """Listens at a path; serve(self, connection) runs for each connection."""

    def __init__(self, bench, path, serve):
        self.path, self.serve = path, serve
        self.connections = 0
        self.opened = 0
        self.answers = []
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.ending = False
        self.current = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        bench.closing.append(self.close)

    def _run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.current = connection
            self.connections += 1
            try:
                if not self.ending:
                    self.serve(self, connection)
            except OSError:
                pass
            finally:
                connection.close()

    def close(self):
        if self.ending:
            return
        self.ending = True
        self.path.unlink(missing_ok=True)
        self.listener.shutdown(socket.SHUT_RDWR)
        if self.current is not None:
            try:
                self.current.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()
        self.thread.join(20)

    @staticmethod
    def exactly(connection, n):
        got = b""
        while len(got) < n:
            piece = connection.recv(n - len(got))
            if not piece:
                raise OSError("it ended")
            got += piece
        return got

    def read(self, connection):
        """One PDU: kind, session, transaction, packet, payload."""
        head = self.exactly(connection, 20)
        order = ">" if head[2] & NETWORK_ORDER else "<"
        kind = head[1]
        session, transaction, packet, length = struct.unpack(order + "IIII", head[4:])
        return kind, session, transaction, packet, self.exactly(connection, length)

    def welcome(self, connection, until=ADDCAPS, count=1):
        """Answers as a good master does, until it has seen so many of a kind."""
        while count > 0:
            kind, session, transaction, packet, _ = self.read(connection)
            if kind == RESPONSE:
                continue
            if kind == OPEN:
                self.opened += 1
            connection.sendall(response(1, transaction, packet))
            count -= kind == until
        return connection

    def ask(self, connection, kind, payload, packet=77, **kw):
        """Sends a request and returns the payload of its answer."""
        connection.sendall(pdu(kind, payload, packet=packet, **kw))
        return self.answer(connection, packet)

    def answer(self, connection, packet):
        """Of that number; what the other asks meanwhile is granted."""
        while True:
            got, session, transaction, number, answer = self.read(connection)
            if got == RESPONSE and number == packet:
                return answer
            if got != RESPONSE:
                connection.sendall(response(1, transaction, number))
