// The binary frames, for link_frames.cpp.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "oncue/core/link_frames.hpp"

namespace oncue::core {

/// `frame` is a piece, as is_piece() says.
std::variant<link_word, std::string> decode_piece(std::string_view frame);
std::string encode_piece(const link::piece& piece);

}  // namespace oncue::core
