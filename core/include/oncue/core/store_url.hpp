// Where a store is, as a person writes it: the path of a file, or the URL of a database that nodes share. Tells the two
// apart, says what is wrong with a URL, and writes one without its password: no other form of it may be shown. Connects to
// nothing, and reads no environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "oncue/core/settings.hpp"

namespace oncue::core {

/// True for "postgresql://…", and for whatever else has a scheme: such a text is no file's name.
bool is_store_url(std::string_view text);

/// What is wrong with the URL of a shared store, as the rest of a sentence that begins with its place; nothing: it may be
/// used. Never repeats what could be a password.
std::optional<std::string> store_url_problem(std::string_view url);

/// What is wrong with a file's name, likewise.
std::optional<std::string> store_path_problem(std::string_view path);

/// The URL as it may be shown: without "…:password@" and without password=… and sslpassword=… behind the "?". Where a
/// wrongly written URL leaves it open which part is the password, all that may be is left out.
std::string without_password(std::string_view url);

/// How a store is called in a log or a list: its file, or its URL without the password.
std::string shown_store(const store_settings& store);

/// Settings with the place that an option or a variable gives: a path or a URL, which takes the place of both. Error: the
/// rest of a sentence.
std::variant<store_settings, std::string> with_place(store_settings store, std::string_view text);

}  // namespace oncue::core
