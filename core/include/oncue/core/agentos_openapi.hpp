// The API explained, to programs (/openapi.json) and to people (/docs). Both are made from the table by which requests are
// matched, so that they tell what is served. The page needs nothing from anywhere else: no script, no font, no picture.
#pragma once

#include <string>
#include <string_view>

#include "oncue/core/agentos_documents.hpp"

namespace oncue::core {

/// OpenAPI 3.1: paths, parameters, form fields, answers.
std::string openapi_document(const os_facts& facts);

/// A page of HTML. `base_url` is where the examples send their requests.
std::string docs_page(const os_facts& facts, std::string_view base_url = "http://localhost:7777");

/// For the page's Content-Security-Policy header.
inline constexpr std::string_view docs_page_policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace oncue::core
