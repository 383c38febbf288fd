#include "served.hpp"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "bench.hpp"

namespace oncue::bench {

namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(steady::now().time_since_epoch()).count();
}

/// Finds what a benchmark looks for in a stream, wherever it is cut: event names, and "t=<nanoseconds> " in texts.
class stream_handler : public io::transfer_handler {
 public:
  explicit stream_handler(std::shared_ptr<stream_report> report) : report_{std::move(report)} {}

  void on_response(const io::response_head& head) override {
    if (head.status != 200) std::fprintf(stderr, "a stream was answered with %d\n", head.status);
  }

  void on_body(std::string_view bytes) override {
    rest_ += bytes;
    std::size_t begin = 0;
    for (auto end = rest_.find("\n\n"); end != std::string::npos; end = rest_.find("\n\n", begin)) {
      take(std::string_view{rest_}.substr(begin, end - begin));
      begin = end + 2;
    }
    rest_.erase(0, begin);
  }

  void on_end(const io::transfer_result&) override { report_->over = true; }

 private:
  void take(std::string_view frame) {
    if (frame.starts_with("event: RunContent\n")) {
      for (auto at = frame.find("t="); at != std::string_view::npos; at = frame.find("t=", at + 2)) {
        auto sent_ns = std::strtoll(frame.data() + at + 2, nullptr, 10);
        if (sent_ns != 0) report_->delays_us.push_back(static_cast<double>(now_ns() - sent_ns) / 1e3);
        ++report_->deltas;
      }
    } else if (frame.starts_with("event: RunStarted")) {
      report_->started = true;
    } else if (frame.starts_with("event: RunCancelled") || frame.starts_with("event: RunError") ||
               frame.starts_with("event: RunCompleted")) {
      std::int64_t none = 0;
      report_->ended_at_ns.compare_exchange_strong(none, now_ns());
    }
  }

  std::shared_ptr<stream_report> report_;
  std::string rest_;
};

class answer_handler : public io::transfer_handler {
 public:
  explicit answer_handler(std::promise<std::string> done) : done_{std::move(done)} {}
  void on_response(const io::response_head&) override {}
  void on_body(std::string_view bytes) override { body_ += bytes; }
  void on_end(const io::transfer_result& result) override {
    done_.set_value(result.end == io::transfer_end::finished ? body_ : result.message);
  }

 private:
  std::promise<std::string> done_;
  std::string body_;
};

const std::vector<std::pair<std::string, std::string>> form_headers = {
    {"content-type", "application/x-www-form-urlencoded"}};

}  // namespace

work_folder::work_folder() : path_{(std::filesystem::temp_directory_path() / "oncue-bench-XXXXXX").string()} {
  expect(::mkdtemp(path_.data()) != nullptr, "a temporary folder");
}

work_folder::~work_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

served::served(const std::vector<agent>& agents, const std::string& limits) {
  {
    std::ofstream config{folder_.path() + "/oncue.toml"};
    config << "[limits]\n" << limits << "\n[server]\nlog_level = \"warning\"\n";
    for (const auto& x : agents) {
      config << "\n[[models]]\nid = \"" << x.id << "\"\n";
      if (x.base_url.empty()) {
        config << "provider = \"scripted\"\n[models.scripted]\n"
               << (x.tool.empty() ? "silent = true\n"
                                  : "first_token_delay = \"0ms\"\ncalls = [ { name = \"" + x.tool + "\" } ]\n");
      } else {
        config << "provider = \"openai\"\nname = \"bench\"\nbase_url = \"" << x.base_url << "\"\n";
      }
      config << "[[agents]]\nid = \"" << x.id << "\"\nmodel = \"" << x.id << "\"\n"
             << (x.tool.empty() ? "" : "tools = [\"" + x.tool + "\"]\n") << "[agents.limits]\n"
             << "first_token_timeout = \"none\"\nidle_timeout = \"none\"\ntotal_timeout = \"none\"\n"
             << x.extra << "\n";
    }
  }
  process_ = std::make_unique<child>(std::vector<std::string>{ONCUE_PROGRAM, "serve", "--port", "0", "--config",
                                                              folder_.path() + "/oncue.toml", "--store",
                                                              folder_.path() + "/journal.db"});
  auto line = process_->read_line();
  auto at = line.find("http://");
  expect(at != std::string::npos, "the server to say where it listens, it said: " + line);
  url_ = line.substr(at, line.find_first_of(" \n", at) - at);
}

double served::cpu_us() const {
  std::ifstream stat{"/proc/" + std::to_string(process_->id()) + "/stat"};
  std::string text;
  std::getline(stat, text);
  // Fields 14 and 15, counted behind the name, which may have spaces.
  auto rest = text.substr(text.rfind(')') + 2);
  double ticks = 0;
  std::size_t at = 0;
  for (int field = 3; field <= 15; ++field) {
    auto end = rest.find(' ', at);
    if (field >= 14) ticks += std::stod(rest.substr(at, end - at));
    at = end + 1;
  }
  return ticks * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double served::count(const std::string& what) const {
  auto folder = std::filesystem::directory_iterator{"/proc/" + std::to_string(process_->id()) + "/" + what};
  return static_cast<double>(std::distance(begin(folder), end(folder)));
}

std::shared_ptr<stream_report> client_crowd::run(const std::string& agent, const std::string& run_id, bool stalled) {
  auto report = std::make_shared<stream_report>();
  auto stream = client_.start({url_ + "/agents/" + agent + "/runs", "message=go&run_id=" + run_id, form_headers},
                              std::make_unique<stream_handler>(report));
  if (stalled) stream.pause();
  streams_.push_back(stream);
  return report;
}

std::string client_crowd::cancel(const std::string& agent, const std::string& run_id) {
  std::promise<std::string> done;
  auto answer = done.get_future();
  client_.start({url_ + "/agents/" + agent + "/runs/" + run_id + "/cancel?receipt=true", "reason=bench", form_headers},
                std::make_unique<answer_handler>(std::move(done)));
  return answer.get();
}

void client_crowd::leave() {
  for (const auto& stream : streams_) stream.close();
  streams_.clear();
}

}  // namespace oncue::bench
