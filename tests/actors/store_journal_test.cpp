#define CAF_SUITE actors.store_journal

#include "oncue/actors/store_journal.hpp"

#include <algorithm>
#include <caf/test/unit_test.hpp>
#include <cerrno>
#include <string>
#include <vector>

#include "support/bad_disk.hpp"
#include "support/node.hpp"
#include "support/promises.hpp"
#include "support/store.hpp"

using namespace oncue;
using namespace oncue::test;
using namespace std::chrono_literals;

namespace {

/// What a client was told, one word each, in the order of arrival at all clients.
journal_client_actor::behavior_type listener(journal_client_actor::pointer, std::vector<std::string>* told) {
  return {
      [told](const appended& x) { told->push_back(x.run.value + "<" + std::to_string(x.next)); },
      [told](const finished& x) { told->push_back(x.run.value + " ended"); },
      [told](const journal_refused& x) { told->push_back(x.run.value + " refused: " + x.message); },
  };
}

/// A node whose journal is spoken to directly.
struct bench {
  explicit bench(core::store_settings settings = {.path = ":memory:"})
      : all{{.journal = journal_kind::sqlite, .store = std::move(settings)}}, client{all.system().spawn(listener, &told)} {}
  ~bench() {
    caf::anon_send_exit(client, caf::exit_reason::kill);
    client = nullptr;
    all.settle();
  }

  void create(const std::string& id) { put<create_reply>(*all.store(), creation(id)); }
  void append(const std::string& id, event_index index, std::size_t bytes = 1) {
    caf::anon_send(all.env().journal, append_events{{id}, index, {delta(index, std::string(bytes, 'x'))}}, client);
  }
  void finish(const std::string& id, event_index index) {
    caf::anon_send<caf::message_priority::high>(all.env().journal, finish_run{{id}, index, {ended(index, "")}}, client);
  }
  std::uint64_t transactions() { return all.store()->stats().transactions; }

  node all;
  std::vector<std::string> told;
  journal_client_actor client;
};

node_options on_disk(const std::string& path = ":memory:") {
  return {.journal = journal_kind::sqlite, .store = {.path = path}};
}

}  // namespace

CAF_TEST(whatever waits is one transaction) {
  bench x;
  for (int run = 0; run < 20; ++run) x.create("r" + std::to_string(run));
  auto before = x.transactions();
  for (event_index index = 1; index <= 5; ++index) {
    for (int run = 0; run < 20; ++run) x.append("r" + std::to_string(run), index);
  }
  CAF_CHECK(x.told.empty());
  x.all.settle();
  CAF_CHECK_EQUAL(x.told.size(), 100u);
  CAF_CHECK_EQUAL(x.told.back(), "r19<6");
  CAF_CHECK_EQUAL(x.transactions() - before, 1u);

  x.append("r0", 6);
  x.all.settle();
  CAF_CHECK_EQUAL(x.transactions() - before, 2u);  // alone, when nothing else waits
  x.all.settle();
  CAF_CHECK_EQUAL(x.transactions() - before, 2u);
}

CAF_TEST(a transaction is bounded in events and in bytes) {
  bench x;
  x.create("r");
  x.create("b");
  auto before = x.transactions();
  for (event_index index = 1; index <= 3 * core::limits::commit_events_max; ++index) x.append("r", index);
  x.all.settle();
  CAF_CHECK_EQUAL(x.transactions() - before, 3u);
  for (event_index index = 1; index <= 8; ++index) x.append("b", index, core::limits::commit_bytes_max / 2);
  x.all.settle();
  CAF_CHECK_EQUAL(x.transactions() - before, 7u);
}

CAF_TEST(an ending waits for one transaction at most) {
  bench x;
  for (auto id : {"busy", "e", "f"}) x.create(id);
  for (event_index index = 1; index <= 2000; ++index) x.append("busy", index);
  x.finish("e", 1);
  x.finish("f", 1);
  auto before = x.transactions();
  x.all.settle();
  auto place = [&](const std::string& word) { return std::find(x.told.begin(), x.told.end(), word) - x.told.begin(); };
  CAF_CHECK_EQUAL(place("e ended"), 0);
  CAF_CHECK(place("f ended") < 3);
  CAF_CHECK_EQUAL(x.told.size(), 2002u);
  CAF_CHECK_EQUAL(x.transactions() - before, 5u);  // both endings in one, the rest in four

  // The ending of a run whose append still waits brings the events along; the append is known when it comes.
  x.told.clear();
  x.append("busy", 2001);
  x.all.step();
  caf::anon_send<caf::message_priority::high>(x.all.env().journal,
                                              finish_run{{"busy"}, 2001, {delta(2001), ended(2002, "")}}, x.client);
  x.all.settle();
  CAF_CHECK_EQUAL(x.told[0] + ", " + x.told[1], "busy ended, busy<2003");
}

CAF_TEST(a store that fails answers everybody and works again when it can) {
  temporary_directory directory;
  bench x{{.path = directory / "x.db"}};
  x.create("r");
  auto ask = [&]<class Reply>(auto what, Reply*) {
    auto answer = std::make_shared<std::string>();
    x.all.system().spawn([=, journal = x.all.env().journal](caf::event_based_actor* self) {
      self->request(journal, caf::infinite, what)
          .then([=](const Reply&) { *answer = "answered"; }, [=](const caf::error& error) { *answer = to_string(error); });
    });
    return answer;
  };
  {
    bad_disk bad{ENOSPC};
    x.append("r", 1);
    x.finish("r", 1);
    auto created = ask(creation("new"), static_cast<create_reply*>(nullptr));
    auto orphan = ask(end_orphan{{"r"}, {}, 1}, static_cast<end_orphan_reply*>(nullptr));
    auto cancel = ask(record_cancel{{.run = {"other"}}, 1}, static_cast<record_cancel_reply*>(nullptr));
    auto listed = ask(list_runs{5}, static_cast<run_list*>(nullptr));
    x.all.settle();
    CAF_REQUIRE_EQUAL(x.told.size(), 2u);
    for (const auto& word : x.told) CAF_CHECK(word.find("refused: the store") != std::string::npos);
    CAF_CHECK_EQUAL(*created, "answered");  // with a refusal
    CAF_CHECK(orphan->find("the disk is full") != std::string::npos);
    CAF_CHECK(cancel->find("the disk is full") != std::string::npos);
    CAF_CHECK_EQUAL(*listed, "answered");
  }
  x.told.clear();
  x.append("r", 1);
  x.all.settle();
  x.finish("r", 2);
  x.all.settle();
  CAF_CHECK_EQUAL(x.told[0] + ", " + x.told[1], "r<2, r ended");
  CAF_CHECK_EQUAL(whole_log(read_all(x.all.store()->reads(), "r")).substr(0, 10),
                  "the ending");  // (of this test: without text)
}

CAF_TEST(a node on disk streams replays and cancels) {
  node all{on_disk()};
  recording seen, again;
  all.run("r");
  all.record("r", seen);
  all.settle();
  all.say(model_opened{});
  for (int i = 0; i < 50; ++i) all.say_text("word ");
  auto receipt = all.cancel("r");
  all.settle();
  CAF_CHECK_EQUAL(outcome(receipt), "cancelled");
  CAF_CHECK((*receipt)->durable);
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  CAF_CHECK_EQUAL(text_of(seen.events).size(), 250u);
  all.record("r", again);
  all.settle();
  CAF_CHECK(again.ended && again.events == seen.events);  // from the file
  auto repeated = all.cancel("r");
  auto unseen = all.cancel("later");
  all.settle();
  CAF_CHECK_EQUAL(outcome(repeated), "cancelled");
  CAF_CHECK_EQUAL(outcome(unseen), "intent_stored");
  all.run("later");
  all.settle();
  CAF_CHECK(record_of(all.store()->reads(), "later").summary.status == run_status::cancelled);
}

CAF_TEST(a run stops at once although the disk is full and its ending is journalled later) {
  temporary_directory directory;
  node all{on_disk(directory / "x.db")};
  recording seen;
  all.run("r");
  all.record("r", seen);
  all.settle();
  all.say(model_opened{});
  all.say_text("kept");
  auto before = seen.events.size();
  std::shared_ptr<std::optional<cancel_reply>> receipt;
  {
    bad_disk bad{ENOSPC};
    receipt = all.cancel("r", 500);
    all.settle();
    CAF_CHECK(all.model().closed);
    all.advance(600ms);
    CAF_CHECK_EQUAL(outcome(receipt), "accepted");
    CAF_CHECK(!(*receipt)->durable);
    CAF_CHECK_EQUAL(seen.events.size(), before);  // nothing is published that is not journalled
  }
  all.advance(2s);
  CAF_CHECK(seen.ended);
  CAF_CHECK_EQUAL(whole_log(seen.events), "");
  auto run = record_of(all.store()->reads(), "r");
  CAF_CHECK(run.summary.status == run_status::cancelled);
  CAF_CHECK_EQUAL(run.content, "kept");
}

CAF_TEST(time alone makes old runs smaller) {
  node all{on_disk()};
  recording before, after;
  all.run("r");
  all.record("r", before);
  all.settle();
  all.say(model_opened{});
  for (int i = 0; i < 300; ++i) all.say_text("word ");
  all.say(model_done{0, "stop", {}, {}});
  all.say(model_closed{});
  auto pages = [&] { return all.store()->stats().transactions; };
  auto transactions = pages();
  all.advance(11min);
  for (int i = 0; i < 20; ++i) all.advance(10ms);
  CAF_CHECK_EQUAL(pages(), transactions);                       // upkeep is no write
  CAF_CHECK(!all.store()->maintain(all.env().unix_ms()).more);  // it has been done
  all.record("r", after);
  all.settle();
  CAF_CHECK(after.ended && after.events == before.events);
}
