// `oncue serve` as a child process, and the crowd of its clients: many streams read on this process's event loop, each
// noting when its deltas and its ending came. What the clients cost is not in the server's numbers.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "child.hpp"
#include "measure.hpp"
#include "oncue/io/http_client.hpp"

namespace oncue::bench {

/// A folder for a configuration and a journal; removed at the end.
class work_folder {
 public:
  work_folder();
  ~work_folder();
  work_folder(const work_folder&) = delete;
  work_folder& operator=(const work_folder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class served {
 public:
  /// `agents`: id and base URL; an empty URL: the demo model, silent for ever, or calling `tool`. `limits`: lines of the
  /// [limits] table, and tables behind it.
  struct agent {
    std::string id;
    std::string base_url;
    std::string extra;      ///< more lines of its [agents.limits] table
    std::string tool = {};  ///< that it has, and that its demo model calls at once
  };
  explicit served(const std::vector<agent>& agents, const std::string& limits = "");

  const std::string& url() const { return url_; }
  double cpu_us() const;
  double resident() const { return resident_bytes(process_->id()); }
  /// Entries of its folder in /proc: open files ("fd"), threads ("task").
  double count(const std::string& what) const;

 private:
  work_folder folder_;
  std::unique_ptr<child> process_;
  std::string url_;
};

/// What one stream has seen. Written on the loop's thread.
struct stream_report {
  std::atomic<bool> started{false};  ///< RunStarted was there
  std::atomic<std::size_t> deltas{0};
  std::atomic<std::int64_t> ended_at_ns{0};  ///< RunCancelled, or another ending; steady clock
  std::atomic<bool> over{false};             ///< the answer is complete, or the connection broke
  std::vector<double> delays_us;             ///< of deltas that say when they were sent; read when `over`
};

class client_crowd {
 public:
  explicit client_crowd(std::string url) : url_{std::move(url)}, client_{loops_} {}

  /// Starts a run that streams. `stalled`: reads nothing of the answer.
  std::shared_ptr<stream_report> run(const std::string& agent, const std::string& run_id, bool stalled = false);

  /// Cancels and waits for the answer, which is returned.
  std::string cancel(const std::string& agent, const std::string& run_id);

  /// Leaves all streams.
  void leave();

 private:
  std::string url_;
  io::event_loops loops_{1};
  io::http_client client_;
  std::vector<io::transfer> streams_;
};

}  // namespace oncue::bench
