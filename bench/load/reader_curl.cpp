// Bare libcurl: what reading the same bytes costs without runs, events, cancel or a journal. Finds the texts' lengths by
// looking for `"content":"`, and parses nothing else.
#include <curl/curl.h>

#include <memory>
#include <stdexcept>
#include <string_view>

#include "clock.hpp"
#include "reader.hpp"
#include "sse_frames.hpp"

namespace oncue::bench::load {

namespace {

const std::string body = R"({"model":"bench","stream":true,"stream_options":{"include_usage":true},)"
                         R"("messages":[{"role":"user","content":"tell"}]})";

/// One easy handle that does one run after the other.
class handle {
 public:
  handle(const std::string& url, curl_slist* headers) : easy_{curl_easy_init()} {
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy_, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(
        easy_, CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t one, std::size_t count, void* self) {
          static_cast<handle*>(self)->take({bytes, one * count});
          return one * count;
        });
  }
  ~handle() { curl_easy_cleanup(easy_); }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;

  void start(CURLM* multi) {
    started_ns_ = now_ns();
    done_ = false;
    frames_.clear();
    curl_multi_add_handle(multi, easy_);
  }

  /// Throws if its run has not come to its end.
  void finish(CURLM* multi, CURLcode result, reader_seen& seen) {
    auto ended_ns = now_ns();
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, easy_);
    if (result != CURLE_OK) throw std::runtime_error{std::string{"a run failed: "} + curl_easy_strerror(result)};
    if (status != 200) throw std::runtime_error{"the provider answered with " + std::to_string(status)};
    if (!done_) throw std::runtime_error{"the provider closed before [DONE]"};
    ++seen.runs;
    seen.latency_us.push_back(static_cast<float>(us(ended_ns - started_ns_)));
  }

  std::uint64_t deltas = 0, text_bytes = 0;

 private:
  void take(std::string_view piece) {
    frames_.feed(piece, [this](std::string_view frame) {
      const std::string_view mark = R"("content":")";
      if (frame == "data: [DONE]") done_ = true;
      auto at = frame.find(mark);
      if (at == std::string_view::npos) return;
      auto text = frame.substr(at + mark.size());
      std::size_t length = 0;
      while (length < text.size() && text[length] != '"') length += text[length] == '\\' ? 2 : 1;
      if (length == 0) return;  // the role chunk
      ++deltas;
      text_bytes += length;
    });
  }

  CURL* easy_;
  sse_frames frames_;
  std::int64_t started_ns_ = 0;
  bool done_ = false;
};

class curl_reader {
 public:
  explicit curl_reader(const reader_work& work) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_.reset(curl_multi_init());
    headers_.reset(curl_slist_append(nullptr, "content-type: application/json"));
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(work.in_flight));
    for (std::size_t i = 0; i < work.in_flight; ++i) {
      handles_.push_back(std::make_unique<handle>(work.base_url + "/chat/completions", headers_.get()));
    }
  }

  reader_seen read(std::size_t runs) {
    reader_seen seen;
    std::size_t started = 0;
    for (auto& one : handles_) {
      one->deltas = one->text_bytes = 0;
      if (started < runs) one->start(multi_.get()), ++started;
    }
    while (seen.runs < runs) {
      int live = 0, waiting = 0;
      curl_multi_perform(multi_.get(), &live);
      while (auto* message = curl_multi_info_read(multi_.get(), &waiting)) {
        if (message->msg != CURLMSG_DONE) continue;
        void* owner = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        auto& one = *static_cast<handle*>(owner);
        one.finish(multi_.get(), message->data.result, seen);
        if (started < runs) one.start(multi_.get()), ++started, ++live;
      }
      if (seen.runs < runs) curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
    }
    for (const auto& one : handles_) {
      seen.deltas += one->deltas;
      seen.text_bytes += one->text_bytes;
    }
    return seen;
  }

 private:
  struct cleanup {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, cleanup> headers_;
  std::unique_ptr<CURLM, cleanup> multi_;
  std::vector<std::unique_ptr<handle>> handles_;
};

}  // namespace

reader_seen read_with_curl(const reader_work& work, const reader_watch& watch) {
  curl_reader reader{work};
  if (watch.warm > 0) reader.read(watch.warm);
  watch.begin();
  auto seen = reader.read(work.runs);
  watch.end();
  return seen;
}

std::string curl_version_used() { return curl_version_info(CURLVERSION_NOW)->version; }

}  // namespace oncue::bench::load
