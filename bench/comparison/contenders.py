"""Who is compared, and how each is run. A contender is a reader, which reads runs in its own process and says itself
what they cost, or a server, which bench_client puts under load. Everything that is set stands in `how`, for the
report: nothing is tuned that its own documents do not advise."""

import dataclasses
import pathlib
from collections.abc import Mapping

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE.parent / "peers"


def options(**values: object) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


@dataclasses.dataclass(frozen=True)
class Kit:
    """Where the programs are."""
    build: pathlib.Path
    python: str
    nginx: str

    @property
    def provider(self) -> str:
        return str(self.build / "bench" / "bench_provider")

    @property
    def client(self) -> str:
        return str(self.build / "bench" / "bench_client")

    @property
    def reader(self) -> str:
        return str(self.build / "bench" / "bench_reader")

    @property
    def oncue(self) -> str:
        return str(self.build / "apps" / "oncue")


@dataclasses.dataclass(frozen=True)
class Site:
    """What a server is given for one work: a folder, a port, the provider's port, and its agents with their
    scenarios."""
    folder: pathlib.Path
    port: int
    provider_port: int
    scenarios: Mapping[str, str]
    running_runs_max: int | None = None

    def base_url(self, agent: str) -> str:
        return f"http://127.0.0.1:{self.provider_port}/{self.scenarios[agent]}/v1"


@dataclasses.dataclass(frozen=True)
class Reader:
    name: str
    label: str
    how: str
    program: str  # bench_reader's contender, or a file in peers/

    def command(self, kit: Kit) -> list[str]:
        if self.program.endswith(".py"):
            return [kit.python, str(PEERS / self.program)]
        return [kit.reader, self.program]


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    label: str
    how: str
    dialect = "agentos"

    def prepare(self, kit: Kit, site: Site) -> list[str]:
        """Writes what it needs into the folder; gives the command."""
        raise NotImplementedError

    def reach(self, site: Site, agent: str) -> list[str]:
        """How bench_client gets to an agent."""
        return ["--url", f"http://127.0.0.1:{site.port}", "--dialect", self.dialect, "--agent", agent]

    def reach_flood(self, site: Site, agent: str) -> list[str]:
        return ["--flood-agent", agent]


@dataclasses.dataclass(frozen=True)
class Oncue(Server):
    event_loops: int = 1

    def prepare(self, kit: Kit, site: Site) -> list[str]:
        lines = []
        if site.running_runs_max is not None:
            lines += ["[limits]", f"running_runs = {site.running_runs_max}"]
        lines += ["[server]", 'log_level = "warning"']
        if self.event_loops != 1:
            lines.append(f"event_loops = {self.event_loops}")
        for agent in site.scenarios:
            lines += ["[[models]]", f'id = "{agent}"', 'provider = "openai"', 'name = "bench"',
                      f'base_url = "{site.base_url(agent)}"', "[[agents]]", f'id = "{agent}"', f'model = "{agent}"',
                      "[agents.limits]", "run_text_bytes_max = 268435456"]
        config = site.folder / "oncue.toml"
        config.write_text("\n".join(lines) + "\n")
        return [kit.oncue, "serve", "--config", str(config), *options(port=site.port, store=site.folder / "journal.db")]


@dataclasses.dataclass(frozen=True)
class AgentOS(Server):
    workers: int = 1

    def prepare(self, kit: Kit, site: Site) -> list[str]:
        agents = [word for agent in site.scenarios for word in ("--agent", f"{agent}={site.base_url(agent)}")]
        return [kit.python, str(PEERS / "agno_server.py"), *agents,
                *options(port=site.port, store=site.folder / "agno.db", workers=self.workers)]


@dataclasses.dataclass(frozen=True)
class Nginx(Server):
    workers: str = "auto"
    dialect = "openai"

    def prepare(self, kit: Kit, site: Site) -> list[str]:
        text = (PEERS / "nginx.conf").read_text()
        words = {"workers": self.workers, "folder": site.folder, "port": site.port, "provider_port": site.provider_port}
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        config = site.folder / "nginx.conf"
        config.write_text(text)
        return [kit.nginx, "-p", str(site.folder), "-e", str(site.folder / "error.log"), "-c", str(config)]

    def reach(self, site: Site, agent: str) -> list[str]:
        return ["--url", f"http://127.0.0.1:{site.port}/{site.scenarios[agent]}/v1", "--dialect", self.dialect]

    def reach_flood(self, site: Site, agent: str) -> list[str]:
        return ["--flood-url", f"http://127.0.0.1:{site.port}/{site.scenarios[agent]}/v1"]


READERS = (
    Reader("oncue", "oncue", "oncue::runtime in the process, workers by default", "oncue"),
    Reader("agno", "agno",
           "Agent.arun(stream=True, stream_events=True), OpenAILike, uvloop, telemetry off; durable: SqliteDb, "
           "num_history_runs=10", "agno_reader.py"),
    Reader("langgraph", "LangGraph",
           "a graph of one node, ChatOpenAI(streaming=True), astream(stream_mode=\"messages\"), uvloop; durable: "
           "AsyncSqliteSaver, 20 messages of history", "langgraph_reader.py"),
    Reader("pydantic-ai", "Pydantic AI",
           "Agent.run_stream, OpenAIChatModel, stream_text(delta=True, debounce_by=None), uvloop; no store of its own",
           "pydantic_reader.py"),
    Reader("curl", "bare libcurl", "the limit: libcurl's multi interface, no JSON, no runs", "curl"),
)

SERVERS = (
    Oncue("oncue-serve", "oncue serve",
          "journal in SQLite (durability process), one event loop, limits by default but the length of a run's text"),
    Oncue("oncue-serve-2", "oncue serve, 2 loops", "the same with event_loops = 2", event_loops=2),
    AgentOS("agno-os", "agno AgentOS",
            "get_app() under uvicorn[standard] (uvloop, httptools), one worker because a cancel reaches only the worker "
            "that has the run, no reload, no access log, SqliteDb, telemetry off"),
    AgentOS("agno-os-2", "agno AgentOS, 2 workers", "the same with --workers 2", workers=2),
    Nginx("nginx", "nginx",
          "the limit: a reverse proxy, worker_processes auto, proxy_buffering off, keepalive upstream"),
    Nginx("nginx-1", "nginx, 1 worker", "the same with worker_processes 1", workers="1"),
)

ALL = {contender.name: contender for contender in (*READERS, *SERVERS)}
