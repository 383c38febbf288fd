// The journal port on a store, and the reader beside it. The journal commits whatever has piled up while its last
// commit ran, never by a timer: its word to itself to write comes behind all that waits in its mailbox. Endings and cancels
// have a lane of their own: they wait for one transaction at most; a cancel behind what its run still has waiting. Each
// write is answered after its commit; when the store fails, it is refused with a sentence, and the next one tries again.
// The archive answers pulls and searches on a connection of its own, so that a long list delays no ending. Each has a
// thread of its own, because a disk may block it.
#pragma once

#include <caf/execution_unit.hpp>
#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oncue/io/run_store.hpp"
#include "oncue/io/world.hpp"
#include "oncue/messages/type_ids.hpp"

namespace oncue::actors {

/// An archive that also looks after the file for its journal.
using store_archive_actor = archive_actor::extend<caf::result<void>(checkpoint_store)>;
using store_journal_actor = journal_actor::extend<caf::result<void>(commit_writes), caf::result<void>(own_as)>;

class store_archive_state {
 public:
  static constexpr const char* name = "store-archive";

  store_archive_state(store_archive_actor::pointer self, std::shared_ptr<io::run_archive> archive)
      : self_{self}, archive_{std::move(archive)} {}
  store_archive_actor::behavior_type make_behavior();

 private:
  void read(const pull_limits& pull, const subscriber_actor& reader, int tries);

  store_archive_actor::pointer self_;
  std::shared_ptr<io::run_archive> archive_;
};

/// Where the runs go on when their writes are confirmed, by their actor's id; empty: on CAF's workers.
using run_places = std::vector<std::shared_ptr<caf::execution_unit>>;

class store_journal_state {
 public:
  static constexpr const char* name = "store-journal";

  store_journal_state(store_journal_actor::pointer self, std::shared_ptr<io::run_store> store, store_archive_actor archive,
                      std::function<std::int64_t()> unix_ms, run_places places)
      : self_{self},
        store_{std::move(store)},
        archive_{std::move(archive)},
        unix_ms_{std::move(unix_ms)},
        places_{std::move(places)} {}
  store_journal_actor::behavior_type make_behavior();

 private:
  template <class Reply>
  using promise = caf::typed_response_promise<Reply>;
  using answer_to =
      std::variant<journal_client_actor, promise<create_reply>, promise<end_orphan_reply>, promise<record_cancel_reply>,
                   promise<reopen_reply>, promise<expired_runs>, promise<session_reply>, promise<sessions_deleted>>;

  struct asker {
    answer_to who;
    std::chrono::steady_clock::time_point since;
  };

  /// Writes that wait for their transaction, and who asked for each.
  struct lane {
    std::vector<io::store_write> writes;
    std::vector<asker> askers;
    std::size_t events = 0;
    std::size_t bytes = 0;
    bool is_called = false;  // a commit_writes for it is in the mailbox
  };

  template <class Reply, class Write>
  promise<Reply> enqueue(lane& where, Write what);
  void add(lane& where, io::store_write what, answer_to who);
  bool waits(const run_id& run) const;
  void call(lane& where);
  void commit(lane& which);
  void answer(answer_to& who, io::store_answer& answer, bool is_ending);
  void wait_for_store();
  void refuse_late_requests(lane& which);
  void watch();
  void keep_up();

  store_journal_actor::pointer self_;
  std::shared_ptr<io::run_store> store_;
  store_archive_actor archive_;
  std::function<std::int64_t()> unix_ms_;
  run_places places_;
  lane endings_;
  lane others_;
  bool away_ = false;     // the store could not be reached: the lanes wait
  bool failing_ = false;  // the last transaction failed, and that was said
};

/// With `own_thread = false` it runs on CAF's workers: for tests.
archive_actor spawn_store_archive(caf::actor_system& system, std::shared_ptr<io::run_archive> archive,
                                  bool own_thread = true);

/// `archive` is one of the same file, from spawn_store_archive(); `unix_ms` is the wall clock, for retention.
journal_actor spawn_store_journal(caf::actor_system& system, std::shared_ptr<io::run_store> store,
                                  const archive_actor& archive, std::function<std::int64_t()> unix_ms = io::unix_ms,
                                  bool own_thread = true, run_places places = {});

}  // namespace oncue::actors
