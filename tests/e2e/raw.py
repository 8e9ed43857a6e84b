"""Peers on loopback that do not keep to any protocol."""

import socket
import threading


class Garbage:
    """Accepts on loopback, waits for the first bytes and answers with these:
    b"" closes at once, None says nothing and keeps the connection."""

    def __init__(self, bench, answer):
        self.answer, self.kept = answer, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        bench.closing.append(self.close)

    def _serve(self):
        try:
            while True:
                c = self.socket.accept()[0]
                if self.answer is None:
                    self.kept.append(c)
                    continue
                with c:
                    if self.answer:
                        c.settimeout(2)
                        c.recv(4096)
                        c.sendall(self.answer)
        except OSError:
            pass

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.thread.join(5)
        for c in self.kept:
            c.close()
