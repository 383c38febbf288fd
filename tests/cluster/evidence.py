"""What a cluster says when all is over: every node's log of every run, and the database's rows, for promises.py to check."""

from cluster import eventually
from history import History
from promises import STATES, Evidence, Row, broken


def gather(cluster, history, only=None):
    """What every node and the database say now, of all runs or only of these. A reader of a run that is not over would wait:
    those are not read."""
    rows = {run: row for run, row in database_rows(cluster.postgres).items() if only is None or run in only}
    logs, statuses = {}, {}
    for run in set(history.runs()) | set(rows):
        if run not in rows:
            continue
        statuses[run] = {node.name: settled_status(node, run) for node in cluster.nodes}
        logs[run] = {}
        for node in cluster.nodes:
            if statuses[run][node.name] in STATES.values():
                with node.watch(run) as log:
                    log.rest()
                    logs[run][node.name] = [(index, name, text) for index, name, text, _ in log.raw]
    return Evidence(history, logs, rows, statuses)


def settled_status(node, run):
    """A node that has just got its database back may still say that it cannot answer."""
    seen = []

    def look():
        seen[:] = [node.status(run)]
        return not str(seen[0]).startswith("503")

    eventually(look, f"answer of {node.name} on {run}", every_s=0.1)
    return seen[0]


def database_rows(postgres):
    rows = {row["run_id"]: Row(row["run_id"], row["state"], row["session"], row["idempotency_key"], row["next_seq"],
                               epoch=row["epoch"], owner=row["owner"])
            for row in postgres.rows("SELECT run_id, state, session, idempotency_key, next_seq, epoch, owner FROM runs")}
    for row in postgres.rows("SELECT run_id, seq, at_ms, kind FROM events JOIN runs USING (run_no) ORDER BY run_no, seq"):
        rows[row["run_id"]].events.append((row["seq"], row["at_ms"], row["kind"]))
    return rows


def check(test, cluster, readers=(), cancels=()):
    """All promises, of these runs; `readers`: pairs of a run and a Reader, `cancels`: of a run and a receipt."""
    history = History()
    for run, reader in readers:
        events = [(index if index is not None else event[1].get("event_index"), name, text)
                  for (index, name, text, _), event in zip(reader.raw, reader.events)]
        reading = history.reading(run, f"reader {len(history.readings)}", events[0][0] if events else 0)
        reading.events = events
    for run, receipt in cancels:
        history.end(history.begin("cancel", run, "?"), 200, receipt)
    seen = gather(cluster, history, set(history.runs()) | {run for run, _ in readers})
    test.assertEqual([str(one) for one in broken(seen)], [])
    return seen
