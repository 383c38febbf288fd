#include "oncue/messages/type_ids.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <mutex>

namespace oncue {

void init_messages() {
  static std::once_flag done;
  std::call_once(done, [] {
    caf::init_global_meta_objects<caf::id_block::oncue>();
    caf::core::init_global_meta_objects();
  });
}

}  // namespace oncue
