// The text of a new configuration file. It documents every key; a test decodes it, also with every setting switched on.
#include "oncue/core/config.hpp"

namespace oncue::core {

std::string commented_config() {
  return R"(# oncue.toml: which models there are, which agents use them, and how the server runs them.
#
# Every key is here with its meaning, its unit and its default. A line that starts with "#" and no space is a setting:
# take the "#" away to change it. Durations are texts such as "500ms", "8s", "2m", "1m30s", "30d"; where nothing else is
# said, at most "24h".
# Keys for providers never stand in this file: they stay in environment variables, which api_key_env names.

# The agent that runs when none is named. Default: the first agent below.
default_agent = "story-writer-agent"

# ---------------------------------------------------------------------------------------------------------------- models
# Any number of [[models]]. The first one is the model of agents that name none.

# OpenAI, or any other service that speaks its chat completions API.
[[models]]
# By this name agents and --model refer to it: letters, digits and . _ : - ; needed.
id = "openai"
# "openai": any OpenAI-compatible endpoint. "scripted": the offline demo model. Default: "openai".
provider = "openai"
# The model's name as the provider knows it. Default: the id.
name = "gpt-4o-mini"
# Where the API is; "/chat/completions" is added to it. Default: "https://api.openai.com/v1".
base_url = "https://api.openai.com/v1"
# The environment variable that holds the key. Default: "OPENAI_API_KEY" at the base_url above; elsewhere no key is sent.
api_key_env = "OPENAI_API_KEY"
# How freely the model chooses its words, 0 to 2. Default: not sent, the provider decides.
#temperature = 0.7
# The longest answer, in tokens. Default: not sent, the provider decides.
#max_tokens = 1000
# Ask the provider to count tokens in streams (stream_options.include_usage). Default: true; some old servers refuse it.
#include_usage = true
# More HTTP headers with every call. No secrets here: this file is for everyone to read. Default: none.
#headers = { "OpenAI-Organization" = "org-example" }
# More members of the request's JSON body, as the provider documents them. Default: none.
#extra_body = { top_p = 0.9, seed = 7 }

# A server on this machine. llama.cpp: "llama-server -m model.gguf --port 8080". Needs no key.
[[models]]
id = "llama-cpp"
name = "default"
base_url = "http://127.0.0.1:8080/v1"

# Ollama: "ollama serve", after "ollama pull llama3.2". Needs no key.
[[models]]
id = "ollama"
name = "llama3.2"
base_url = "http://127.0.0.1:11434/v1"

# The offline demo model: tells a built-in story at a steady pace. No network, no key, no cost.
[[models]]
id = "demo"
provider = "scripted"
name = "demo-story-model"

# Its pace; only for provider = "scripted".
[models.scripted]
# Before the first token. Default: "300ms".
#first_token_delay = "300ms"
# Between two tokens. Default: "60ms".
#token_delay = "60ms"
# How many tokens to say, 0 to 10000000. Default: 0, which is the whole story.
#tokens = 0
# Take the request and never say a word, as a provider that hangs. Default: false.
#silent = false
# What to say instead of the story; cut into tokens at its spaces. Default: "", which is the story.
#text = "Once upon a time there was a run that stopped on cue."
# Tools to call first, as a model would; when they have answered it talks. Default: none.
#calls = [ { name = "clock", arguments = { zone = "UTC" } } ]

# ----------------------------------------------------------------------------------------------------------------- tools
# Programs that agents may call, any number of [[tools]]. A program gets the arguments as one JSON object on its standard
# input, and what it writes to its standard output is the answer. It has its own process group, few environment variables,
# and is stopped with all that it has started when the run is cancelled.

#[[tools]]
# By this name agents and models know it: letters, digits, _ and - ; at most 64; needed.
#name = "clock"
# What the model reads to decide whether to call it. Default: "".
#description = "Tells the time in a time zone"
# The arguments as a JSON schema of an object, here as a table; or as a string of JSON. Default: no arguments.
#parameters = { type = "object", properties = { zone = { type = "string" } }, required = ["zone"] }
# The program and its arguments; no shell. Needed, unless external is true.
#command = ["sh", "-c", "TZ=$(sed 's/.*: *\"//; s/\".*//') date"]
# Its working folder. Default: oncue's own.
#folder = "/tmp"
# Variables of oncue's environment that it is given, besides PATH, HOME, LANG and the like. Default: none.
#env = ["MY_TOOL_TOKEN"]
# Variables with their values. Default: none.
#set_env = { LC_ALL = "C.UTF-8" }
# From its start to its answer; then it is stopped, and the model is told. Default: "60s".
#timeout = "60s"
# From being asked to stop (SIGTERM) to being killed (SIGKILL), at most "4s". Default: "2s".
#grace = "2s"
# Answer of at most so many bytes, up to 16777216; what writes more is stopped. Default: 262144.
#result_bytes_max = 262144
# Memory of each of its processes, in bytes, at least 16777216. Default: no limit.
#memory_bytes_max = 536870912
# A person has to allow every call: the run pauses until then. Default: false.
#confirm = false
# A person gives these arguments; an empty list means all. The run pauses until then. Default: not asked.
#user_input = ["zone"]
# Somebody outside does the work and brings the answer; the run pauses until then. Default: false.
#external = false

# Servers that speak the Model Context Protocol, any number of [[mcp_servers]]; all runs share one.

#[[mcp_servers]]
# By this name agents know it; needed.
#id = "files"
# A server that is started here, and spoken to over its standard input and output; folder, env, set_env and
# memory_bytes_max as above.
#command = ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/tmp"]
# Put before the names of its tools. Default: "".
#prefix = "files_"
# Which of its tools agents get, by their names there. Default: all.
#tools = ["read_file", "list_directory"]
# Which of them a person has to allow; "*" means all. Default: none.
#confirm = ["write_file"]
# Without it, runs of agents that name it fail; false lets them go on without its tools. Default: true.
#required = true
# From its start to the list of its tools. Default: "20s".
#start_timeout = "20s"
# As timeout, grace and result_bytes_max above.
#call_timeout = "60s"
#grace = "2s"
#result_bytes_max = 262144

#[[mcp_servers]]
#id = "web"
# One that is spoken to over HTTP (in place of a command),
#url = "https://mcp.example.com/mcp"
# with header fields,
#headers = { "X-Team" = "research" }
# and a token from an environment variable.
#bearer_env = "MCP_TOKEN"

# ---------------------------------------------------------------------------------------------------------------- agents
# Any number of [[agents]]. "story-writer-agent" is there even if it is not in the file; then it uses the first model.

[[agents]]
# By this name the agent is started: letters, digits and . _ : - ; at most 128; needed.
id = "story-writer-agent"
# How it is shown. Default: the id.
name = "StoryWriterAgent"
# The id of one of the models above. Default: the first model. Change it to "openai" when OPENAI_API_KEY is set.
model = "demo"
# One line for people and for lists of agents; the model is told it first. Default: "".
description = "An agent that writes stories"
# What else the model is told before the user's input, as the rest of its system message. Default: "".
#instructions = "You write short stories for children."
# How many earlier runs of a session the model is told, 0 to 1000; 0 tells it none. Default: 10.
#history_runs = 10
# At most so much text of them, in bytes, 1 to 16777216; what does not fit is left out a run at a time. Default: 262144.
#history_bytes_max = 262144
# Tell it of cancelled and failed runs too, with the text that they had come to. Default: false.
#history_with_stopped = false
# Tools that it may call, by name. Default: none.
#tools = ["clock"]
# Servers whose tools it may call, by id. Default: none.
#mcp_servers = ["files"]
# Other agents that it may call as tools, by id: each call is a run of its own. Default: none.
#agents = ["researcher"]

# What a run of this agent may take. A run that misses a deadline fails, and its error names the deadline.
[agents.limits]
# From sending a request to its first token; "none" switches it off. Default: "60s".
#first_token_timeout = "60s"
# Between two tokens; "none" switches it off. Default: "60s".
#idle_timeout = "60s"
# The whole run, retries included; "none" switches it off. Default: "15m".
#total_timeout = "15m"
# How long a paused run waits for a person, at most "30d"; "none" waits for ever. Default: "24h".
#pause_timeout = "24h"
# Model calls in one run, 1 to 1000. Default: 25.
#turns_max = 25
# Text of one run, in bytes, 1 to 268435456. Above it the run fails and keeps what it has. Default: 4194304.
#run_text_bytes_max = 4194304
# Tries of one model call, 1 to 20; 1 never tries again. Only connection errors, 408, 429 and 5xx are tried again, and only
# before the first token. Default: 3.
#attempts_max = 3
# Wait before the second try; it doubles each time, and chance takes up to half of it away. Default: "500ms".
#retry_base = "500ms"
# The longest wait between two tries. Default: "8s", or retry_base if that is longer.
#retry_delay_max = "8s"

# Another agent, for the one above to call.
#[[agents]]
#id = "researcher"
#description = "Looks things up"

# ---------------------------------------------------------------------------------------------------------------- server
# For "oncue serve". The options of the command line and the environment come first.

[server]
# Where it listens; "0.0.0.0" is every address of this machine. --host, then AGENT_OS_HOST, then this. Default: "127.0.0.1".
#host = "127.0.0.1"
# 0 to 65535; 0 is any free one. --port, then AGENT_OS_PORT, then this. Default: 7777.
#port = 7777
# Web pages of these origins may read the answers. Default: a local agent UI, and agno's own.
#cors_origins = [
#  "http://localhost:3000",
#  "https://agno.com",
#  "https://www.agno.com",
#  "https://app.agno.com",
#  "https://os-stg.agno.com",
#  "https://os.agno.com",
#]
# Without a key only this machine is served, under its own names. More names that are right. Default: none.
#allowed_hosts = []
# The environment variable that holds the key which callers must send; "" or an unset variable means no key.
# Default: "OS_SECURITY_KEY".
#key_env = "OS_SECURITY_KEY"
# A server that is told to stop lets its runs go on for so long, at most "1h"; then it cancels them. Default: "10s".
#drain_grace = "10s"
# A stream that has nothing to say says so this often, "1s" to "5m": clients give up on silence. Default: "15s".
#heartbeat = "15s"
# Threads for sockets and for what runs beside them, 1 to 64. One serves some ten thousand deltas a second. Default: 1.
#event_loops = 1
# "text" for people, "json" for machines. Default: "text".
#log_format = "text"
# "debug", "info", "warning", "error" or "off". No level logs a prompt or a model's text. Default: "info".
#log_level = "info"

# Where runs and sessions are kept: in a file of this node's own, or in a PostgreSQL database that many nodes share.
[store]
# The database's file. Default: the program's own place for it, which it tells when it starts.
#path = "/var/lib/oncue/oncue.db"
# In place of a file: the shared database, as libpq writes it. No password here: url_env, PGPASSWORD or ~/.pgpass has it.
#url = "postgresql://oncue@db.example.com/oncue?sslmode=verify-full"
# In place of both: the environment variable that holds such a URL.
#url_env = "ONCUE_STORE_URL"
# "process": what was confirmed survives the end of the process, also a kill. "power": the loss of power too, which costs
# a wait for the disk with every commit. Default: "process".
#durability = "process"
# So long after its end a run's pieces become one text; their indices stay. At most "3650d". Default: "10m".
#compact_after = "10m"
# So long after its end a run is forgotten, at most "3650d"; "none" keeps it. Default: "30d".
#retention = "30d"
# Above this size the oldest ended runs are forgotten earlier. In bytes, at least 16777216. Default: 10737418240.
#size_bytes_max = 10737418240

# For nodes that share a database; a node with a file has no use for it. See docs/cluster.md.
[cluster]
# What this node is called, for people; letters, digits and . _ : - ; at most 64. Default: the host's name.
#name = "node-1"
# Where its HTTP server can be reached, for people and tools. Default: none is told.
#advertised_url = "http://node-1.example.com:7777"
# A node that is not heard of for so long is dead, and the others end its runs; "1s" to "5m". Default: "10s".
#lease = "10s"
# Where links from other nodes are taken; "" takes none. Beyond this machine it needs the three files. Default: "127.0.0.1".
#link_host = "127.0.0.1"
# 0 to 65535; 0 is any free one. Default: 0.
#link_port = 0
# How other nodes reach it: a host, or a host and a port. Default: link_host.
#link_advertised = "node-1.example.com:7800"
# Files in PEM form: the cluster's own authority, this node's certificate, its key. All three or none. Default: none.
#ca_file = "/etc/oncue/ca.pem"
#cert_file = "/etc/oncue/node.pem"
#key_file = "/etc/oncue/node.key"
# Links without certificates beyond this machine: only on a network where nobody else is. Default: false.
#plain_links = false
# How often a run begins anew when its nodes are lost, if it was started with on_node_loss=restart; 0 to 100. Default: 3.
#restarts_max = 3

# How many runs the node takes; what is above is refused, and may be tried again later. Each 1 to 1000000.
[limits]
# Admitted and not ended. Default: 100000.
#live_runs = 100000
# Of these, talking to a model; the others wait for a place. Default: 100000.
#running_runs = 100000
# Of these, waiting for a place or for their session; 0 lets none wait. Default: 10000.
#queued_runs = 10000
)";
}

}  // namespace oncue::core
