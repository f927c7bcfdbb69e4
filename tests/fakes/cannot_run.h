// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <gtest/gtest.h>

// Ends the test that this machine cannot run: aloud, and in CI as a failure.
#define SECCOMPD_CANNOT_RUN(why)                                      \
  do {                                                                \
    const char* ci = std::getenv("CI");                               \
    if (ci != nullptr && std::string_view(ci) == "true") {            \
      FAIL() << "must run in CI, but: " << (why);                     \
    }                                                                 \
    std::cerr << "\n*** NOT RUN: " << (why) << " ***\n" << std::endl; \
    GTEST_SKIP() << (why);                                            \
  } while (false)
