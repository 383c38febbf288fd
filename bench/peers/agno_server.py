"""agno as it is served: agents in an AgentOS under uvicorn, started as `agno_server.py --agent ID=BASE_URL --store FILE
--port N [--workers N]`. What agno's and uvicorn's documents advise for production: `uvicorn[standard]` (uvloop and
httptools), no reload, no access log, log level warning. Telemetry is off. Sessions are in agno's SQLite database:
SqliteDb, which was seen to need less CPU than AsyncSqliteDb. Nothing here waits or retries."""

import argparse
import logging
import os

# What the workers, which are processes of their own, have to know.
AGENTS, STORE = "BENCH_AGENTS", "BENCH_STORE"


def make_app():
    """uvicorn calls it once in each worker."""
    from agno.agent import Agent
    from agno.db.sqlite import SqliteDb
    from agno.models.openai.like import OpenAILike
    from agno.os import AgentOS

    def agent(name: str, base_url: str) -> Agent:
        return Agent(id=name, name=name, model=OpenAILike(id="bench", base_url=base_url, api_key="none"), db=database,
                     telemetry=False)

    database = SqliteDb(db_file=os.environ[STORE])
    agents = [agent(*line.split("=", 1)) for line in os.environ[AGENTS].split("\n")]
    return AgentOS(id="bench", agents=agents, telemetry=False).get_app()


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(description="Serves agents by AgentOS under uvicorn.")
    parser.add_argument("--agent", action="append", required=True, help="ID=BASE_URL; may be repeated")
    parser.add_argument("--store", required=True, help="file of the SQLite database")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    os.environ[AGENTS] = "\n".join(arguments.agent)
    os.environ[STORE] = arguments.store
    logging.getLogger("agno").setLevel(logging.ERROR)
    uvicorn.run("agno_server:make_app", factory=True, host="127.0.0.1", port=arguments.port, workers=arguments.workers,
                loop="uvloop", http="httptools", log_level="warning", access_log=False, backlog=8192)


if __name__ == "__main__":
    main()
