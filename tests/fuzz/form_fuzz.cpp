// Urlencoded forms. What was read is read again from its encoding.
#include "fuzz.hpp"
#include "oncue/core/agentos_client.hpp"
#include "oncue/core/http_text.hpp"
#include "oncue/core/limits.hpp"
#include "oncue/core/text.hpp"

using namespace oncue;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto form = core::read_urlencoded(fuzz::text_of(data, size));
  fuzz::require(form || form.files.empty(), "a form that is none has no files");
  if (!form) return 0;
  fuzz::require(form.fields.size() <= core::limits::form_fields_max, "fields are bounded");
  core::field_pairs kept;
  for (auto& field : form.fields) {
    fuzz::require(core::is_utf8(field.first) && core::is_utf8(field.second), "fields are UTF-8");
    if (!field.second.empty()) kept.push_back(field);
  }
  auto again = core::read_urlencoded(core::form_encoded(kept));
  fuzz::require(again && again.fields == kept, "an encoded form is read as it was");
  return 0;
}
