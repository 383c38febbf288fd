#include "postgres_statement.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>

namespace oncue::io {

namespace {

// PostgreSQL's numbers for its types; they never change.
constexpr Oid type_bool = 16;
constexpr Oid type_bytea = 17;
constexpr Oid type_int8 = 20;
constexpr Oid type_int2 = 21;
constexpr Oid type_int4 = 23;
constexpr Oid type_text = 25;
constexpr Oid type_bytea_list = 1001;
constexpr Oid type_int8_list = 1016;

/// Most significant byte first.
template <std::integral T>
void put(std::string& to, T value) {
  for (auto shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
    to += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFF);
  }
}

std::int64_t signed_number(const char* bytes, int size) {
  std::uint64_t value = size > 0 && static_cast<signed char>(bytes[0]) < 0 ? ~std::uint64_t{0} : 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<std::int64_t>(value);
}

/// The head of a list with one dimension and no nulls in it.
void put_list(std::string& to, Oid of, std::size_t size) {
  put(to, std::int32_t{size == 0 ? 0 : 1});
  put(to, std::int32_t{0});
  put(to, static_cast<std::int32_t>(of));
  if (size == 0) return;
  put(to, static_cast<std::int32_t>(size));
  put(to, std::int32_t{1});
}

}  // namespace

std::string numbered(const std::string& sql) {
  std::string text;
  int last = 0;
  bool in_quotes = false;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    auto c = sql[i];
    if (c == '\'') in_quotes = !in_quotes;
    if (c != '?' || in_quotes) {
      text += c;
      continue;
    }
    int number = 0;
    auto [end, error] = std::from_chars(sql.data() + i + 1, sql.data() + sql.size(), number);
    if (error == std::errc{}) {
      i = static_cast<std::size_t>(end - sql.data()) - 1;
    } else {
      number = last + 1;
    }
    last = std::max(last, number);
    text += "$" + std::to_string(number);
  }
  return text;
}

// -- arguments ---------------------------------------------------------------------

postgres_statement::argument& postgres_statement::at(int position, Oid type) {
  auto count = static_cast<std::size_t>(position);
  if (arguments_.size() < count) arguments_.resize(count);
  if (count_ < count) count_ = count;
  auto& to = arguments_[count - 1];
  to.type = type;
  to.is_null = false;
  to.own.clear();
  return to;
}

void postgres_statement::bind_null(int position, sql_type type) {
  auto oid = type == sql_type::number  ? type_int8
             : type == sql_type::truth ? type_bool
             : type == sql_type::text  ? type_text
                                       : type_bytea;
  at(position, oid).is_null = true;
}

void postgres_statement::bind_number(int position, std::int64_t value) {
  auto& to = at(position, type_int8);
  put(to.own, value);
  to.bytes = to.own;
}

void postgres_statement::bind_truth(int position, bool value) {
  auto& to = at(position, type_bool);
  to.own = value ? '\1' : '\0';
  to.bytes = to.own;
}

void postgres_statement::bind_text(int position, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    throw store_refused{"a text with a NUL character cannot be kept here: expected a name or an id without one", "22021"};
  }
  auto& to = at(position, type_text);
  to.own = text;
  to.bytes = to.own;
}

void postgres_statement::bind_raw(int position, const std::string& bytes) { at(position, type_bytea).bytes = bytes; }

void postgres_statement::bind_numbers(int position, const std::vector<std::int64_t>& values) {
  auto& to = at(position, type_int8_list);
  put_list(to.own, type_int8, values.size());
  for (auto value : values) {
    put(to.own, std::int32_t{sizeof value});
    put(to.own, value);
  }
  to.bytes = to.own;
}

void postgres_statement::bind_raws(int position, const std::vector<std::string_view>& values) {
  auto& to = at(position, type_bytea_list);
  put_list(to.own, type_bytea, values.size());
  for (auto value : values) {
    put(to.own, static_cast<std::int32_t>(value.size()));
    to.own += value;
  }
  to.bytes = to.own;
}

// -- running -----------------------------------------------------------------------

void postgres_statement::execute() {
  sent_.types.clear();
  sent_.values.clear();
  sent_.lengths.clear();
  for (std::size_t i = 0; i < count_; ++i) {
    const auto& one = arguments_[i];
    sent_.types.push_back(one.type);
    // An empty text has an address too: none at all would be null.
    sent_.values.push_back(one.is_null ? nullptr : one.bytes.data() ? one.bytes.data() : "");
    sent_.lengths.push_back(static_cast<int>(one.bytes.size()));
  }
  sent_.formats.assign(count_, 1);
  result_ = db_.execute(name_, sql_, sent_, prepared_);
  row_ = -1;
}

bool postgres_statement::step() {
  if (!result_) execute();
  return ++row_ < PQntuples(result_.get());
}

int postgres_statement::run() {
  execute();
  const std::string_view changed{PQcmdTuples(result_.get())};
  int count = 0;
  std::from_chars(changed.data(), changed.data() + changed.size(), count);
  return count;
}

std::int64_t postgres_statement::number(int column) {
  if (is_null(column)) return 0;
  const auto* bytes = PQgetvalue(result_.get(), row_, column);
  switch (PQftype(result_.get(), column)) {
    case type_bool: return bytes[0] != 0;
    case type_int2:
    case type_int4:
    case type_int8: return signed_number(bytes, PQgetlength(result_.get(), row_, column));
    default: throw store_corrupt{"the database answered with a column that is no number"};
  }
}

std::string postgres_statement::text(int column) {
  const auto type = PQftype(result_.get(), column);
  if (type != type_text && type != type_bytea) {
    throw store_corrupt{"the database answered with a column that is no text"};
  }
  return {PQgetvalue(result_.get(), row_, column), static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
}

void postgres_statement::reset() noexcept {
  result_.reset();
  count_ = 0;
  row_ = -1;
}

}  // namespace oncue::io
