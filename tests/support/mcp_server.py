#!/usr/bin/env python3
"""A server of tools (Model Context Protocol) that behaves as it is told: for tests. Standard library only.

usage: mcp_server.py [MODE...] [--http PORT_FILE] [--record FILE]
Over standard input and output, or over streamable HTTP on a port that it writes into PORT_FILE. Every message that it gets
is appended to FILE, and every end of a connection.

Tools: echo(text), add(a, b), wait(seconds), hang(), deaf(): hears only that its socket is closed; die(code), twice(text), garbage(), wrong(), big(bytes), fail(text),
progress(count), change(), env(name), spawn(): starts a process that stays, and answers its number.

Modes:
  version=X      speaks this version of the protocol
  refuse         answers initialize with an error
  exit=N         says something on standard error and ends at once with this code
  silent         never answers initialize
  noisy          writes lines that are no messages
  pages=N        lists its tools N a page
  many=N         N tools more
  stubborn       ignores SIGTERM and the end of its input
  json           over HTTP: answers as JSON, not as a stream
  stateless      over HTTP: no session
  token=T        over HTTP: wants this bearer token
  lingering      over HTTP: leaves its streams open
  forget=N       over HTTP: forgets its session after N calls
"""
import http.server
import json
import os
import signal
import subprocess
import sys
import threading

options = {}
arguments = sys.argv[1:]
while arguments:
    word = arguments.pop(0)
    if word.startswith("--"):
        options[word[2:]] = arguments.pop(0)
    else:
        name, _, value = word.partition("=")
        options[name] = value
lock = threading.Lock()
cancelled = {}
deserted = {}
extra_tools = []
record_file = open(options["record"], "a") if "record" in options else None


def record(**what):
    if record_file:
        with lock:
            record_file.write(json.dumps(what) + "\n")
            record_file.flush()


def schema(**properties):
    return {"type": "object", "properties": {k: {"type": v} for k, v in properties.items()}, "required": list(properties)}


def all_tools():
    tools = [("echo", "Says it again", schema(text="string")), ("add", "Adds", schema(a="number", b="number"))]
    tools += [("wait", "Takes its time", schema(seconds="number")), ("die", "Ends the server", schema(code="integer"))]
    tools += [(n, "", schema()) for n in ("hang", "deaf", "garbage", "wrong", "change", "spawn")]
    tools += [(n, "", schema(text="string")) for n in ("twice", "fail")]
    tools += [("big", "", schema(bytes="integer")), ("progress", "", schema(count="integer")), ("env", "", schema(name="string"))]
    tools += [(f"extra_{i}", "One of many", schema()) for i in range(int(options.get("many", 0)))]
    tools += [(n, "", schema()) for n in extra_tools]
    return [{"name": n, "description": d, "inputSchema": s} for n, d, s in tools]


def text(what, **more):
    return {"content": [{"type": "text", "text": what}], **more}


class Call:
    """One tools/call. `send` takes messages for the client, in order."""

    def __init__(self, message, send):
        self.id = message["id"]
        self.params = message["params"]
        self.send = send
        self.stop = cancelled.setdefault(self.id, threading.Event())

    def answer(self, result):
        self.send({"jsonrpc": "2.0", "id": self.id, "result": result})

    def run(self):
        name, arguments = self.params["name"], self.params.get("arguments", {})
        method = getattr(self, "tool_" + name, None)
        if method is None:
            self.send({"jsonrpc": "2.0", "id": self.id, "error": {"code": -32602, "message": "Unknown tool: " + name}})
            return
        method(**arguments)

    def tool_echo(self, text):
        self.answer(globals()["text"](text))

    def tool_add(self, a, b):
        self.answer(text(str(a + b), structuredContent={"sum": a + b}))

    def tool_wait(self, seconds):
        if self.stop.wait(seconds):
            record(stopped=self.id)
            return
        self.answer(text("waited"))

    def tool_hang(self):
        record(hanging=self.id)
        self.stop.wait()
        record(stopped=self.id)

    def tool_deaf(self):
        record(listening=self.id)
        deserted.setdefault(self.id, threading.Event()).wait()
        record(deserted=self.id)

    def tool_die(self, code):
        print("something broke inside", file=sys.stderr, flush=True)
        os._exit(code)

    def tool_twice(self, text):
        self.tool_echo(text)
        self.tool_echo("again " + text)

    def tool_garbage(self):
        for line in ("{", "[]", "7", '{"jsonrpc":"2.0"}', '{"id":99,"result":{}}', "\x7f\x00", '{"id":{},"method":"ping"}'):
            self.send(line)
        self.answer(text("tidy"))

    def tool_wrong(self):
        self.send({"jsonrpc": "2.0", "id": self.id, "result": {"content": 7}})

    def tool_big(self, bytes):
        self.answer(text("x" * bytes))

    def tool_fail(self, text):
        self.answer(globals()["text"](text, isError=True))

    def tool_progress(self, count):
        token = self.params["_meta"]["progressToken"]
        for i in range(count):
            self.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": i}})
        self.answer(text("done"))

    def tool_change(self):
        extra_tools.append("added")
        self.send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        self.answer(text("changed"))

    def tool_env(self, name):
        self.answer(text(os.environ.get(name, "")))

    def tool_spawn(self):
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        self.answer(text(str(child.pid)))


def answer(message, send):
    """Answers one message; false if it was no request."""
    method = message.get("method")
    if method == "notifications/cancelled":
        cancelled.setdefault(message["params"]["requestId"], threading.Event()).set()
    if "id" not in message or method is None:
        return False
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        if "silent" in options:
            return True
        if "refuse" in options:
            send({**reply, "error": {"code": -32603, "message": "not today"}})
            return True
        version = options.get("version", message["params"]["protocolVersion"])
        send({**reply, "result": {"protocolVersion": version, "capabilities": {"tools": {"listChanged": True}},
                                  "serverInfo": {"name": "scripted", "version": "1"}}})
    elif method == "tools/list":
        tools, size = all_tools(), int(options.get("pages", 1000))
        start = int((message.get("params") or {}).get("cursor", 0))
        result = {"tools": tools[start:start + size]}
        if start + size < len(tools):
            result["nextCursor"] = str(start + size)
        send({**reply, "result": result})
    elif method == "tools/call":
        Call(message, send).run()
    else:
        send({**reply, "error": {"code": -32601, "message": "Method not found"}})
    return True


def serve_pipes():
    def send(message):
        with lock:
            print(message if isinstance(message, str) else json.dumps(message), flush=True)

    if "noisy" in options:
        send("scripted server, version 1\n\n{not json\r")
    for line in sys.stdin:
        message = json.loads(line)
        record(**{"got": message})
        threading.Thread(target=answer, args=(message, send), daemon=True).start()
        if message.get("method") == "notifications/initialized":
            send({"jsonrpc": "2.0", "id": "are you there", "method": "ping"})
    record(closed=True)
    if "stubborn" in options:
        threading.Event().wait()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    session, sessions, calls = None, 0, 0

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", content_type="application/json", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def allowed(self):
        if "token" in options and self.headers.get("authorization") != "Bearer " + options["token"]:
            self.reply(401, json.dumps({"error": {"message": "invalid token: " + str(self.headers.get("authorization"))}}).encode())
            return False
        return True

    def do_DELETE(self):
        record(deleted=self.headers.get("mcp-session-id"), version=self.headers.get("mcp-protocol-version"))
        self.reply(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        record(got=message, session=self.headers.get("mcp-session-id"), version=self.headers.get("mcp-protocol-version"),
               accept=self.headers.get("accept"))
        if not self.allowed():
            return
        method = message.get("method")
        if method == "tools/call" and "forget" in options:
            Handler.calls += 1
            if Handler.calls > int(options["forget"]):
                Handler.calls, Handler.session = 0, "forgotten"
        headers = {}
        if "stateless" not in options:
            if method == "initialize":
                Handler.sessions += 1
                Handler.session = f"session-{Handler.sessions}"
                headers["mcp_session_id"] = Handler.session
            elif self.headers.get("mcp-session-id") != Handler.session:
                self.reply(404, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Session not found"}}')
                return
        if "id" not in message:
            answer(message, None)
            self.reply(202)
        elif "json" in options:
            messages = []
            answer(message, messages.append)
            self.reply(200, json.dumps(messages[-1]).encode(), **headers)
        else:
            self.stream(message, headers)

    def stream(self, message, headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

        def send(out):
            data = out if isinstance(out, str) else json.dumps(out)
            self.wfile.write(b"event: message\ndata: " + data.encode() + b"\n\n")
            self.wfile.flush()

        send("")
        watch = threading.Thread(target=self.watch, args=(message["id"],), daemon=True)
        watch.start()
        answer(message, send)
        if "lingering" in options:
            watch.join()

    def watch(self, request):
        """The client's half of the socket says nothing more, until it is closed."""
        try:
            self.connection.recv(1)
        except OSError:
            pass
        record(left=request)
        deserted.setdefault(request, threading.Event()).set()


if "exit" in options:
    print("cannot start: the moon is full", file=sys.stderr, flush=True)
    sys.exit(int(options["exit"]))
if "stubborn" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "http" in options:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with open(options["http"] + ".new", "w") as port_file:
        port_file.write(str(server.server_port))
    os.rename(options["http"] + ".new", options["http"])
    server.serve_forever()
else:
    serve_pipes()
