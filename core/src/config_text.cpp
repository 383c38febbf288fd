// The text of a new configuration file. It documents every key; a test decodes it, also with every setting switched on.
#include "oncue/core/config.hpp"

namespace oncue::core {

std::string commented_config() {
  return R"(# oncue.toml: which models there are, and which agents use them.
#
# Every key is here with its meaning, its unit and its default. A line that starts with "#" and no space is a setting:
# take the "#" away to change it. Durations are texts such as "500ms", "8s", "2m", "1m30s"; at most "24h".
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

# ---------------------------------------------------------------------------------------------------------------- agents
# Any number of [[agents]]. "story-writer-agent" is there even if it is not in the file; then it uses the first model.

[[agents]]
# By this name the agent is started: letters, digits and . _ : - ; at most 128; needed.
id = "story-writer-agent"
# How it is shown. Default: the id.
name = "StoryWriterAgent"
# The id of one of the models above. Default: the first model. Change it to "openai" when OPENAI_API_KEY is set.
model = "demo"
# One line for people and for lists of agents. Default: "".
description = "An agent that writes stories"
# The system message: what the model is told before the user's input. Default: "", which sends none.
#instructions = "You write short stories for children."

# What a run of this agent may take. A run that misses a deadline fails, and its error names the deadline.
[agents.limits]
# From sending a request to its first token; "none" switches it off. Default: "60s".
#first_token_timeout = "60s"
# Between two tokens; "none" switches it off. Default: "60s".
#idle_timeout = "60s"
# The whole run, retries included; "none" switches it off. Default: "15m".
#total_timeout = "15m"
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
)";
}

}  // namespace oncue::core
