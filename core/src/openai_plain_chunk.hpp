// The shortcut for the chunk that nearly all chunks are: one piece of content and nothing else that says anything. It never
// decides: whatever is unusual, broken or unknown is left to the decoder, which reads all dialects. So it may only be
// asked, and what it says is what the decoder would have said.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace oncue::core {

/// The content of the chunk, which may be empty. Nothing: this is not for the shortcut.
std::optional<std::string> plain_content(std::string_view data);

}  // namespace oncue::core
