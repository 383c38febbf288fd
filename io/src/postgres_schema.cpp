#include "postgres_schema.hpp"

#include <array>

namespace oncue::io {

namespace {

// The same tables as in SQLite, where it says what they are: see sqlite_schema.cpp. What may hold any byte is bytea. Text
// is compared byte by byte, whatever language the database speaks. runs.owner is a node's incarnation; 0: nobody's.
// Rows of runs are rewritten often: they leave room in their pages, so that no index has to follow.
constexpr auto version_1 = R"(
CREATE TABLE nodes(
  incarnation bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  link_address text NOT NULL DEFAULT '',
  url text NOT NULL DEFAULT '',
  version text NOT NULL DEFAULT '',
  process text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lease_ms bigint NOT NULL,
  lease_until timestamptz NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT 'up' CHECK(state IN ('up', 'dead')),
  dead_at timestamptz,
  queued bigint NOT NULL DEFAULT 0,
  running bigint NOT NULL DEFAULT 0,
  room bigint NOT NULL DEFAULT 0,
  draining boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX nodes_by_name ON nodes(name) WHERE state = 'up';
CREATE INDEX nodes_by_death ON nodes(dead_at) WHERE state = 'dead';

CREATE TABLE runs(
  run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL UNIQUE,
  agent text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  "user" text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK(state IN ('queued','running','paused','completed','failed','cancelled')),
  epoch bigint NOT NULL,
  owner bigint NOT NULL,
  next_seq bigint NOT NULL,
  updated_ms bigint NOT NULL,
  bytes bigint NOT NULL,
  tools boolean NOT NULL DEFAULT false,
  first_seq bigint NOT NULL DEFAULT 0,
  cancel_requested boolean NOT NULL DEFAULT false,
  cancel_reason text COLLATE "C" NOT NULL DEFAULT '',
  cancel_by text COLLATE "C" NOT NULL DEFAULT '',
  cancel_mode bigint NOT NULL DEFAULT 0,
  cancel_grace_ms bigint NOT NULL DEFAULT 0,
  on_node_loss bigint NOT NULL DEFAULT 0,
  restarts bigint NOT NULL DEFAULT 0,
  created_ms bigint NOT NULL,
  ended_ms bigint NOT NULL DEFAULT 0,
  expires_ms bigint NOT NULL DEFAULT 0,
  stage bigint NOT NULL DEFAULT 0,
  session_deleted boolean NOT NULL DEFAULT false,
  ending text COLLATE "C",
  idempotency_key text COLLATE "C") WITH (fillfactor = 80);
CREATE INDEX runs_by_stage ON runs(stage, ended_ms);
CREATE INDEX runs_by_session ON runs(session);
CREATE INDEX runs_by_user ON runs("user") WHERE "user" <> '';
CREATE UNIQUE INDEX runs_by_key ON runs("user", idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_by_expiry ON runs(expires_ms, run_no) WHERE stage = 0 AND state = 'paused' AND expires_ms > 0;
CREATE INDEX runs_by_owner ON runs(owner, run_no) WHERE stage = 0 AND (state <> 'paused' OR cancel_requested);
CREATE INDEX runs_paused ON runs(owner) WHERE stage = 0 AND state = 'paused';
CREATE INDEX runs_cancelled ON runs(owner) WHERE stage = 0 AND cancel_requested;

CREATE TABLE run_specs(
  run_no bigint PRIMARY KEY,
  parent text COLLATE "C" NOT NULL,
  root text COLLATE "C" NOT NULL,
  traceparent text COLLATE "C" NOT NULL,
  agent_name text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  model_provider text COLLATE "C" NOT NULL,
  input bytea NOT NULL);

CREATE TABLE events(
  run_no bigint NOT NULL,
  seq bigint NOT NULL,
  at_ms bigint NOT NULL,
  kind smallint NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (run_no, seq));

CREATE TABLE cuts(
  run_no bigint NOT NULL,
  first_seq bigint NOT NULL,
  last_seq bigint NOT NULL,
  text_from bigint NOT NULL,
  text_to bigint NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (run_no, first_seq));

CREATE TABLE cancel_intents(
  run_id text COLLATE "C" PRIMARY KEY,
  scope text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  by text COLLATE "C" NOT NULL,
  wait_ms bigint NOT NULL,
  at_ms bigint NOT NULL);
CREATE INDEX cancel_intents_by_age ON cancel_intents(at_ms);

CREATE TABLE sessions(
  rowid bigint GENERATED ALWAYS AS IDENTITY,
  session_id text COLLATE "C" PRIMARY KEY,
  agent text COLLATE "C" NOT NULL,
  "user" text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL DEFAULT '',
  metadata text COLLATE "C" NOT NULL DEFAULT '',
  summary text COLLATE "C" NOT NULL DEFAULT '',
  created_ms bigint NOT NULL,
  updated_ms bigint NOT NULL,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  reasoning_tokens bigint NOT NULL DEFAULT 0,
  cache_read_tokens bigint NOT NULL DEFAULT 0) WITH (fillfactor = 80);
CREATE INDEX sessions_by_age ON sessions(created_ms, rowid);

CREATE TABLE totals(name text COLLATE "C" PRIMARY KEY, value bigint NOT NULL);
INSERT INTO totals VALUES('stripped_bytes', 0);
)";

constexpr std::array steps = {version_1};

bool has_versions(postgres_connection& db) {
  query rows{db, "SELECT to_regclass(?) IS NOT NULL", db.schema() + ".schema_version"};
  return rows.next() && rows.number(0) != 0;
}

std::int64_t version_of(postgres_connection& db) {
  query rows{db, "SELECT version FROM schema_version"};
  return rows.next() ? rows.number(0) : 0;
}

std::string newer(std::int64_t version) {
  return "it was written by a newer version of oncue (schema " + std::to_string(version) + ", this one knows " +
         std::to_string(steps.size()) + ")";
}

}  // namespace

std::string migrate(postgres_connection& db) {
  transaction all{db};
  query{db, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", db.schema()}.next();
  query known{db, "SELECT 1 FROM pg_namespace WHERE quote_ident(nspname)=?", db.schema()};
  if (!known.next()) db.exec("CREATE SCHEMA " + db.schema());
  if (!has_versions(db)) {
    db.exec("CREATE TABLE " + db.schema() + ".schema_version(version bigint NOT NULL)");
    db.exec("INSERT INTO schema_version VALUES(0)");
  }
  auto version = version_of(db);
  auto known_version = static_cast<std::int64_t>(steps.size());
  if (version > known_version) return newer(version);
  if (version < known_version) {
    for (auto i = static_cast<std::size_t>(version); i < steps.size(); ++i) db.exec(steps[i]);
    query{db, "UPDATE schema_version SET version=?", known_version}.run();
  }
  all.commit();
  return {};
}

std::string foreign_schema(postgres_connection& db) {
  if (!has_versions(db)) return "there are no tables of oncue in the schema " + db.schema();
  auto version = version_of(db);
  auto known = static_cast<std::int64_t>(steps.size());
  if (version > known) return newer(version);
  if (version < known)
    return "its tables are of an older version of oncue: expected that a node has brought them up to date";
  return {};
}

}  // namespace oncue::io
