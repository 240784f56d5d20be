// Catch2 under one name, whichever major version the distribution has.
#pragma once

#if CRIER_CATCH2_MAJOR == 3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
