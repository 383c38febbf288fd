// Cuts a body into server-sent frames, wherever the network has cut it. A frame that came in one piece is not copied.
#pragma once

#include <string>
#include <string_view>

namespace oncue::bench::load {

class sse_frames {
 public:
  /// Calls take(frame), without the empty line at its end, for each that `piece` completes.
  template <class Take>
  void feed(std::string_view piece, Take&& take) {
    if (!rest_.empty()) {
      // The frame's end may lie across the cut.
      auto from = rest_.size() - 1;
      rest_ += piece;
      auto end = rest_.find("\n\n", from);
      if (end == std::string::npos) return;
      piece.remove_prefix(end + 2 - (rest_.size() - piece.size()));
      rest_.resize(end);
      take(std::string_view{rest_});
      rest_.clear();
    }
    for (auto end = piece.find("\n\n"); end != std::string_view::npos; end = piece.find("\n\n")) {
      take(piece.substr(0, end));
      piece.remove_prefix(end + 2);
    }
    rest_ = piece;
  }

  void clear() { rest_.clear(); }

 private:
  std::string rest_;
};

}  // namespace oncue::bench::load
