# cmake -G Ninja -C .cmake/debug.cmake -B .build/debug
set(CMAKE_BUILD_TYPE "Debug" CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CMAKE_CXX_FLAGS "-DCRIER_SLOW_CHECKS=1" CACHE STRING "")
set(CRIER_SANITIZE "address,undefined" CACHE STRING "")
