#include "sqlite_schema.hpp"

#include <array>

namespace oncue::io {

namespace {

constexpr std::int64_t our_application_id = 0x6F6E6375;  // "oncu"

// runs: one row a run, short, because it is rewritten often; what is long and never changes is in run_specs. While a run is
// open, deltas are written without its row: next_seq and updated_ms may be those of an earlier event.
// events: in the order of arrival, so that writing is appending; read through the index.
// cuts: see core/delta_cuts.hpp; text_from and text_to are the place of its deltas in the ending's content.
constexpr auto version_1 = R"(
CREATE TABLE nodes(
  incarnation INTEGER PRIMARY KEY AUTOINCREMENT,
  node_id TEXT NOT NULL,
  started_ms INTEGER NOT NULL);

CREATE TABLE runs(
  run_no INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL,
  session TEXT NOT NULL,
  user TEXT NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('queued','running','paused','completed','failed','cancelled')),
  epoch INTEGER NOT NULL,
  owner INTEGER NOT NULL,
  next_seq INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  tools INTEGER NOT NULL DEFAULT 0,
  first_seq INTEGER NOT NULL DEFAULT 0,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  cancel_reason TEXT NOT NULL DEFAULT '',
  cancel_by TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL DEFAULT 0,
  stage INTEGER NOT NULL DEFAULT 0,
  session_deleted INTEGER NOT NULL DEFAULT 0,
  ending TEXT,
  idempotency_key TEXT);
CREATE INDEX runs_by_stage ON runs(stage, ended_ms);
CREATE INDEX runs_by_session ON runs(session);
CREATE INDEX runs_by_user ON runs(user) WHERE user <> '';
CREATE UNIQUE INDEX runs_by_key ON runs(user, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE run_specs(
  run_no INTEGER PRIMARY KEY,
  parent TEXT NOT NULL,
  root TEXT NOT NULL,
  traceparent TEXT NOT NULL,
  agent_name TEXT NOT NULL,
  model TEXT NOT NULL,
  model_provider TEXT NOT NULL,
  input TEXT NOT NULL);

CREATE TABLE events(
  run_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  data TEXT NOT NULL);
CREATE UNIQUE INDEX events_by_run ON events(run_no, seq);

CREATE TABLE cuts(
  run_no INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  text_from INTEGER NOT NULL,
  text_to INTEGER NOT NULL,
  data BLOB NOT NULL);
CREATE UNIQUE INDEX cuts_by_run ON cuts(run_no, first_seq);

CREATE TABLE cancel_intents(
  run_id TEXT PRIMARY KEY,
  scope TEXT NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  wait_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL);
CREATE INDEX cancel_intents_by_age ON cancel_intents(at_ms);

CREATE TABLE sessions(
  session_id TEXT PRIMARY KEY,
  agent TEXT NOT NULL,
  user TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  metadata TEXT NOT NULL DEFAULT '',
  summary TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0);
CREATE INDEX sessions_by_age ON sessions(created_ms);

CREATE TABLE totals(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO totals VALUES('stripped_bytes', 0);
)";

// A paused run is kept until its time is over. What version 1 called paused nobody could go on with: it is ended as lost
// together with the other open runs of its process.
constexpr auto version_2 = R"(
ALTER TABLE runs ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET state='running' WHERE state='paused';
CREATE INDEX runs_by_expiry ON runs(expires_ms, run_no) WHERE stage=0 AND state='paused' AND expires_ms>0;
)";

// How a run is to be cancelled, and what becomes of it when its node is lost: of use where many nodes share a store, and
// here so that both say the same.
constexpr auto version_3 = R"(
ALTER TABLE runs ADD COLUMN on_node_loss INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cancel_mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cancel_grace_ms INTEGER NOT NULL DEFAULT 0;
)";

constexpr std::array steps = {version_1, version_2, version_3};

}  // namespace

std::string foreign_file(sqlite_connection& db, const std::string& path) {
  auto version = db.number("PRAGMA user_version");
  if (db.number("PRAGMA application_id") != our_application_id) {
    auto is_new = version == 0 && db.number("SELECT count(*) FROM sqlite_master") == 0;
    return is_new ? std::string{} : "the store " + path + " is a database of another program";
  }
  auto known = static_cast<std::int64_t>(steps.size());
  if (version <= known) return {};
  return "the store " + path + " was written by a newer version of oncue (schema " + std::to_string(version) +
         ", this one knows " + std::to_string(known) + ")";
}

void migrate(sqlite_connection& db) {
  for (auto version = static_cast<std::size_t>(db.number("PRAGMA user_version")); version < steps.size(); ++version) {
    transaction step{db};
    db.exec(steps[version]);
    db.exec("PRAGMA application_id = " + std::to_string(our_application_id));
    db.exec("PRAGMA user_version = " + std::to_string(version + 1));
    step.commit();
  }
}

}  // namespace oncue::io
