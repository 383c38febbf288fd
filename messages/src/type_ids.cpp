#include "oncue/messages/type_ids.hpp"

#include <caf/init_global_meta_objects.hpp>

namespace oncue {

void init_messages() {
  static const bool done = [] {
    caf::init_global_meta_objects<caf::id_block::oncue>();
    caf::core::init_global_meta_objects();
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace oncue
