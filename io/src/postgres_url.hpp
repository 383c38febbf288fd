// A database's URL: what libpq makes of it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace oncue::io {

/// What is wrong with it in a sentence that repeats nothing of it; empty: nothing.
std::string url_problem(const std::string& url);

/// Keywords and values for libpq: what the URL says, over what oncue wants of every connection. Of a URL without
/// problems. Its own "options" may name another search_path, whose first schema is where the tables are.
std::vector<std::pair<std::string, std::string>> connection_words(const std::string& url);

}  // namespace oncue::io
