// The demo model's words: a story about a dragon who learns to code, or a text of the caller's, cut at spaces.
// Promises the same words in the same order every time. Knows nothing of pace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "oncue/core/catalog.hpp"

namespace oncue::core {

class story {
 public:
  /// Reads `text` and `tokens` of the spec, which must outlive the story.
  explicit story(const scripted_spec& spec);

  /// The next word with the space that follows it; empty when the story is told.
  std::string_view next();

  std::uint32_t told() const { return told_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t told_ = 0;
  std::uint32_t tokens_max_;
};

}  // namespace oncue::core
