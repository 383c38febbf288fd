// All of the test kit: docs/testkit.md says how to write a first test.
#pragma once

#include "oncue/testkit/node.hpp"
#include "oncue/testkit/promises.hpp"
#include "oncue/testkit/recorder.hpp"
#include "oncue/testkit/scripted_model.hpp"
#include "oncue/testkit/seeds.hpp"
#include "oncue/testkit/wait.hpp"
