#include "oncue/io/child_process.hpp"

#include <cstring>
#include <functional>
#include <mutex>
#include <utility>

#include "child_driver.hpp"

namespace oncue::io {

namespace {

/// False when there is no child any more.
bool post_to(const std::shared_ptr<detail::child_link>& link, std::function<void(child_driver&)> call) {
  if (!link) return false;
  std::lock_guard lock(link->guard);
  if (!link->loop) return false;
  link->loop->post([weak = link->driver, call = std::move(call)] {
    if (auto driver = weak.lock()) call(*driver);
  });
  return true;
}

}  // namespace

std::string to_string(const child_exit& exit) {
  switch (exit.end) {
    case child_end::exited: return "exited with code " + std::to_string(exit.number);
    case child_end::signalled: {
      const char* name = sigdescr_np(exit.number);
      return "was ended by signal " + std::to_string(exit.number) + (name ? " (" + std::string{name} + ")" : "");
    }
    case child_end::not_started: break;
  }
  return exit.message;
}

child_process child_process::start(event_loop& loop, child_options options, std::unique_ptr<child_handler> handler) {
  auto link = std::make_shared<detail::child_link>();
  link->loop = &loop;
  link->bytes_max = options.input_bytes_max;
  auto driver = std::make_shared<child_driver>(loop, std::move(options), std::move(handler), link);
  link->driver = driver;
  loop.post([driver = std::move(driver)] { driver->start(); });
  return child_process(std::move(link));
}

bool child_process::write(std::string bytes) const {
  if (!link_) return false;
  auto size = bytes.size();
  if (link_->bytes_waiting.fetch_add(size) + size > link_->bytes_max) {
    link_->bytes_waiting -= size;
    return false;
  }
  // std::function copies what it holds.
  auto shared = std::make_shared<std::string>(std::move(bytes));
  return post_to(link_, [shared](child_driver& driver) { driver.write(std::move(*shared)); });
}

void child_process::close_input() const {
  post_to(link_, [](child_driver& driver) { driver.close_input(); });
}

void child_process::stop(std::chrono::milliseconds grace) const {
  post_to(link_, [grace](child_driver& driver) { driver.stop(grace); });
}

void child_process::kill() const {
  post_to(link_, [](child_driver& driver) { driver.kill(); });
}

void child_process::pause() const {
  post_to(link_, [](child_driver& driver) { driver.pause(); });
}

void child_process::resume() const {
  post_to(link_, [](child_driver& driver) { driver.resume(); });
}

}  // namespace oncue::io
