"""A TCP relay of ours: what a network does to a connection, on purpose. It stands before a database or before a node's link,
and what it does can be changed at any time, for connections that exist and for new ones."""

import collections
import select
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)
CHUNK = 64 << 10
DRIBBLE = 2000
LOOK_S = 0.05  # how often a thread looks whether its connection is over


class Relay:
    """Listens on a port of its own and connects to `target`. Modes, for each direction ("in": to the target, "out"):

    pass        as it comes
    hold        nothing gets through, and nothing is lost: the sender sees a connection that has gone silent (a black hole; TCP
                would deliver what was sent after it is over, and so does this)
    delay       each piece comes `delay_s` later
    dribble     one byte at a time, the first DRIBBLE of each piece
    """

    def __init__(self, target, host="127.0.0.1", port=0):
        self.target = target
        self.changed = threading.Condition()
        self.modes = {"in": "pass", "out": "pass"}
        self.delay_s = 0.05
        self.refusing = False
        self.closed = False
        self.lines = set()
        self.bytes = collections.Counter()   # by direction: what went through
        self.accepted = 0
        self.listener = socket.create_server((host, port), reuse_port=False, backlog=128)
        self.host, self.port = self.listener.getsockname()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    # -- what a test does to it ---------------------------------------------------------

    def mode(self, mode, direction=None):
        with self.changed:
            for name in (direction,) if direction else ("in", "out"):
                self.modes[name] = mode
            self.changed.notify_all()

    def hold(self, direction=None):
        self.mode("hold", direction)

    def heal(self):
        with self.changed:
            self.refusing = False
        self.mode("pass")

    def refuse(self):
        """New connections are reset at once, and those that there are now."""
        with self.changed:
            self.refusing = True
        self.reset()

    def reset(self):
        """All connections end now, at both ends, with a reset."""
        for line in self._now():
            line.reset()

    def cut_mid_frame(self):
        """Of the next piece in any direction one half is delivered, then the connection is reset."""
        for line in self._now():
            line.cut_next = True

    def half_close(self):
        """The target hears an end of stream, and can still talk."""
        for line in self._now():
            line.end_input()

    def connections(self):
        return len(self._now())

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        # Wakes the thread that accepts.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join()
        self.listener.close()
        self.reset()

    # -- how ----------------------------------------------------------------------------

    def _now(self):
        with self.changed:
            return list(self.lines)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.refusing:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.setblocking(False)
            line = _Line(self, client, server)
            with self.changed:
                self.lines.add(line)
            line.start()


class _Line:
    """One connection through the relay: a thread a direction."""

    def __init__(self, relay, client, server):
        self.relay, self.client, self.server = relay, client, server
        self.cut_next = False
        self.over = False
        self.ends = 0
        self.lock = threading.Lock()

    def start(self):
        for name, source, sink in (("in", self.client, self.server), ("out", self.server, self.client)):
            threading.Thread(target=self._carry, args=(name, source, sink), daemon=True).start()

    def end_input(self):
        try:
            self.server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        with self.lock:
            if self.over:
                return
            self.over = True
            for one in (self.client, self.server):
                try:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                except OSError:
                    pass
                one.close()  # the reset goes out when no thread is inside a call on it any more: LOOK_S
        with self.relay.changed:
            self.relay.lines.discard(self)
            self.relay.changed.notify_all()

    def _carry(self, name, source, sink):
        relay = self.relay
        try:
            while not self.over:
                with relay.changed:
                    while relay.modes[name] == "hold" and not relay.closed and not self.over:
                        relay.changed.wait()
                    if relay.closed or self.over:
                        return self.reset()
                # Not read while it is held: what the sender has sent stays in the kernel's buffers, as in a network.
                ready, _, _ = select.select([source], [], [], LOOK_S)
                if not ready or relay.modes[name] == "hold":
                    continue
                piece = source.recv(CHUNK)
                if not piece:
                    with self.lock:
                        if not self.over:
                            sink.shutdown(socket.SHUT_WR)
                    break
                self._pass_on(name, sink, piece)
        except (OSError, ValueError):
            return self.reset()
        with self.lock:
            self.ends += 1
            last = self.ends == 2
        if last:
            self.reset()

    def _pass_on(self, name, sink, piece):
        relay = self.relay
        if self.cut_next:
            self._send(sink, piece[:max(1, len(piece) // 2)])
            return self.reset()
        mode = relay.modes[name]
        if mode == "delay":
            with relay.changed:
                relay.changed.wait_for(lambda: relay.closed or self.over or relay.modes[name] != "delay", relay.delay_s)
        at_once = 0
        if mode == "dribble":
            at_once = min(len(piece), DRIBBLE)
            for i in range(at_once):
                self._send(sink, piece[i:i + 1])
                with relay.changed:
                    relay.changed.wait(0.0001)
        self._send(sink, piece[at_once:])
        relay.bytes[name] += len(piece)

    def _send(self, sink, piece):
        """Whatever the sink takes of it at a time: nobody may hang in a call on a connection that is to be reset."""
        while piece and not self.over:
            _, ready, _ = select.select([], [sink], [], LOOK_S)
            if ready:
                piece = piece[sink.send(piece):]
