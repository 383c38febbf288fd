"""Machines on one network, without machines: a network name space for each node and one for the database, on a bridge whose
other end is the test. Wires are cut with nftables in a name space, in one direction or both, and made slow with tbf. Needs
root, iproute2 and nftables."""

import itertools
import os
import shutil
import subprocess

import guard

TOOLS = {"ip": "iproute2", "tc": "iproute2", "nft": "nftables", "nsenter": "util-linux"}
SERIAL = itertools.count(1)


def why_not():
    """Why there can be no name spaces here, in a sentence; None if there can."""
    if os.geteuid() != 0:
        return "network name spaces need root"
    missing = sorted({package for name, package in TOOLS.items() if not shutil.which(name)})
    if missing:
        return f"network name spaces need {', '.join(missing)}"
    probe = f"oqprobe{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return "this system lets nobody make network name spaces"
    try:
        filtered = subprocess.run(["nsenter", f"--net=/run/netns/{probe}", "nft", "add", "table", "inet", "probe"],
                                  capture_output=True, text=True)
        return f"nftables does not work here: {filtered.stderr.strip()}" if filtered.returncode else None
    finally:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True)


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


class Place:
    """A name space with one address."""

    def __init__(self, wires, name, number):
        # A name is used once: the kernel takes its time to forget one.
        serial = next(SERIAL)
        self.wires, self.name = wires, f"oq{os.getpid()}-{serial}{name}"
        self.address = wires.address(number)
        outside = f"oq{os.getpid() % 100000}v{serial}"
        guard.namespace(self.name)
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "link", "set", outside, "master", wires.bridge, "up")
        self.enter = ["nsenter", f"--net=/run/netns/{self.name}"]
        for words in (("link", "set", "lo", "up"), ("addr", "add", self.address + "/24", "dev", "eth0"),
                      ("link", "set", "eth0", "up")):
            run(*self.enter, "ip", *words)
        run(*self.enter, "nft", "-f", "-", input="table inet cut {\n"
            " chain came { type filter hook input priority 0; }\n chain leaves { type filter hook output priority 0; }\n}\n")

    def drop_from(self, other):
        """What `other` sends is not heard here."""
        run(*self.enter, "nft", "add", "rule", "inet", "cut", "came", "ip", "saddr", other.address, "drop")

    def drop_to(self, other):
        """What is sent to `other` does not arrive."""
        run(*self.enter, "nft", "add", "rule", "inet", "cut", "leaves", "ip", "daddr", other.address, "drop")

    def cut(self, other):
        self.drop_from(other)
        self.drop_to(other)

    def refuse(self, other):
        """What is sent to `other` is answered with a reset: as from a firewall that says no."""
        run(*self.enter, "nft", "add", "rule", "inet", "cut", "leaves", "ip", "daddr", other.address, "meta", "l4proto", "tcp",
            "reject", "with", "tcp", "reset")

    def slow(self, rate="1mbit"):
        run(*self.enter, "tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "16kbit", "latency", "400ms")

    def heal(self):
        run(*self.enter, "nft", "flush", "table", "inet", "cut")
        subprocess.run([*self.enter, "tc", "qdisc", "del", "dev", "eth0", "root"], capture_output=True)

    def can_reach(self, host, port, within_s=1.0):
        """Whether a TCP connection from here to there comes about."""
        tried = subprocess.run([*self.enter, "python3", "-c", "import socket, sys; socket.create_connection((sys.argv[1], "
                                "int(sys.argv[2])), float(sys.argv[3])).close()", host, str(port), str(within_s)],
                               capture_output=True)
        return tried.returncode == 0

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Wires:
    """The bridge; the test itself has the address with 254 on it."""

    def __init__(self):
        serial = next(SERIAL)
        self.net = f"10.{200 + serial % 50}.{os.getpid() % 250}"
        self.bridge = f"oq{os.getpid() % 100000}b{serial}"
        guard.device(self.bridge)
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", self.address(254) + "/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        self.places = []

    def address(self, number):
        return f"{self.net}.{number}"

    def place(self, name, number):
        self.places.append(Place(self, name, number))
        return self.places[-1]

    def close(self):
        for place in self.places:
            place.close()
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)
