// main() of every test binary: registers the message types, then lets CAF's test runner choose and run the suites.
#define CAF_TEST_NO_MAIN

#include <caf/test/unit_test_impl.hpp>

#include "oncue/messages/type_ids.hpp"

int main(int argc, char** argv) {
  oncue::init_messages();
  return caf::test::main(argc, argv);
}
