// What libcurl's error codes mean to a person who reads the failure of a run. Pure but for asking the easy handle how far
// it came. A message names host and port, never a path, a header or user information of a URL.
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

#include "oncue/io/http_client.hpp"

namespace oncue::io {

/// "host:port" if libcurl can parse the URL, its scheme is http or https, and it has a host; else empty.
std::string http_endpoint(const std::string& url);

/// `curl_message`: what libcurl wrote into the handle's error buffer. `answered`: the final head had come.
transfer_result describe(CURLcode code, CURL* easy, std::string_view curl_message, const http_request& request,
                         bool answered);

}  // namespace oncue::io
