// Numbers in frames: seven bits a byte, the lowest first, and the highest bit says that more comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oncue::core {

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

/// Signed numbers near zero stay short.
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) { return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1)); }

/// Reads bytes from the front. Once something was not there, nothing is.
class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) : bytes_{bytes} {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      // The last byte of a longer number is not zero: each number has one form only.
      if (byte < 0x80) return byte == 0 && shift > 0 ? fail() : value;
    }
    return fail();
  }

  std::uint8_t byte() {
    if (bytes_.empty()) return static_cast<std::uint8_t>(fail());
    auto value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) {
      fail();
      return {};
    }
    auto result = bytes_.substr(0, static_cast<std::size_t>(count));
    bytes_.remove_prefix(result.size());
    return result;
  }

  std::string_view rest() const { return bytes_; }
  bool ok() const { return ok_; }

 private:
  std::uint64_t fail() {
    ok_ = false;
    bytes_ = {};
    return 0;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace oncue::core
