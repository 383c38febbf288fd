// A model call as an HTTP request to an OpenAI-compatible /chat/completions endpoint: URL, headers, body. Promises a body
// that is valid JSON whatever bytes the messages hold, and headers that cannot be split. Opens nothing, and reads no
// environment: the key is given to it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oncue/core/catalog.hpp"
#include "oncue/messages/model.hpp"

namespace oncue::core {

using http_header = std::pair<std::string, std::string>;

/// `base_url` with "/chat/completions" at the end of its path; a query ("?api-version=…", as Azure wants it) stays behind
/// it.
std::string chat_completions_url(std::string_view base_url);

/// Content-Type, Accept, Authorization (if `api_key` is not empty), traceparent (if that is not empty), then the spec's own
/// headers. One of the spec's that has the name of one of ours, in any case, replaces it. White space around the key is
/// dropped, and so are control characters in any name or value: no value can begin a header of its own (RFC 9110, section
/// 5.5).
std::vector<http_header> openai_headers(const model_spec& spec, std::string_view api_key,
                                        std::string_view traceparent = {});

/// What of a request must never be shown: the key, and the values of the spec's headers from 8 characters on, each also
/// without its first word ("Bearer"). For safe_text, http_failure and the stream's decoder.
std::vector<std::string> request_secrets(const model_spec& spec, std::string_view api_key);

struct openai_body {
  std::string json;
  std::string problem;  ///< not empty: there is no body; what is wrong with the spec's extra_body
};

/// The request's JSON. Members of extra_body come last and replace ours whole (`stream_options` too), except `stream` and
/// `messages`. An assistant's message that only calls tools has the content null; a call without arguments has "{}", since
/// servers parse them. What is not UTF-8 becomes U+FFFD.
openai_body build_openai_body(const model_spec& spec, const model_request& request);

/// What is wrong with a model_spec's extra_body, in one sentence; empty if nothing is.
std::string extra_body_problem(std::string_view extra_body);

}  // namespace oncue::core
