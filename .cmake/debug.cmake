# cmake -G Ninja -C .cmake/debug.cmake -B .build/debug
set(CMAKE_BUILD_TYPE "Debug" CACHE STRING "")
# clang here and for fuzzing, g++ for the rest, so that both guard a change; and clang is quicker
# with sanitizers.
set(CMAKE_C_COMPILER "clang-19" CACHE STRING "")
set(CMAKE_CXX_COMPILER "clang++-19" CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CMAKE_CXX_FLAGS "-DCRIER_SLOW_CHECKS=1" CACHE STRING "")
set(CRIER_SANITIZE "address,undefined" CACHE STRING "")
set(CMAKE_UNITY_BUILD "ON" CACHE STRING "")  # As in tsan.cmake.
set(CMAKE_UNITY_BUILD_BATCH_SIZE "0" CACHE STRING "")
