# cmake -G Ninja -C .cmake/fuzz.cmake -B .build/fuzz
set(CMAKE_BUILD_TYPE "Debug" CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CMAKE_C_COMPILER "clang-19" CACHE STRING "")
set(CMAKE_CXX_COMPILER "clang++-19" CACHE STRING "")
set(CRIER_SANITIZE "address,undefined" CACHE STRING "")
set(CRIER_FUZZ "ON" CACHE STRING "")
set(CRIER_TESTS "OFF" CACHE STRING "")
set(CMAKE_UNITY_BUILD "ON" CACHE STRING "")  # As in tsan.cmake.
