"""agno as it is served: one Agent in an AgentOS under uvicorn, started as `agno_server.py --base-url URL --store FILE
[--port N] [--workers N]`. What agno's and uvicorn's documents advise for production: `uvicorn[standard]` (uvloop and
httptools), no reload, no access log, log level warning. agno's telemetry and the agent's are off. Sessions are in
agno's SQLite database. Prints its address before it listens, as a server of `oncue serve` does."""

import argparse
import logging
import os
import socket

ENVIRONMENT = {"url": "BENCH_BASE_URL", "store": "BENCH_STORE"}


def make_app():
    """uvicorn calls it once in each worker."""
    from agno.agent import Agent
    from agno.db.sqlite import SqliteDb
    from agno.models.openai.like import OpenAILike
    from agno.os import AgentOS

    def agent(name: str, base_url: str) -> Agent:
        return Agent(id=name, name=name, model=OpenAILike(id="bench", base_url=base_url, api_key="none"), db=database,
                     telemetry=False)

    database = SqliteDb(db_file=os.environ[ENVIRONMENT["store"]])
    agents = [agent(*line.split("=", 1)) for line in os.environ[ENVIRONMENT["url"]].split("\n")]
    return AgentOS(id="bench", agents=agents, telemetry=False).get_app()


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(description="Serves agents by AgentOS under uvicorn.")
    parser.add_argument("--agent", action="append", required=True, help="ID=BASE_URL; may be repeated")
    parser.add_argument("--store", required=True, help="file of the SQLite database")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            arguments.port = probe.getsockname()[1]
    os.environ[ENVIRONMENT["url"]] = "\n".join(arguments.agent)
    os.environ[ENVIRONMENT["store"]] = arguments.store
    logging.getLogger("agno").setLevel(logging.ERROR)
    print(f"http://127.0.0.1:{arguments.port}", flush=True)
    uvicorn.run("agno_server:make_app", factory=True, host="127.0.0.1", port=arguments.port, workers=arguments.workers,
                loop="uvloop", http="httptools", log_level="warning", access_log=False, backlog=8192)


if __name__ == "__main__":
    main()
