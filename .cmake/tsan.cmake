# cmake -G Ninja -C .cmake/tsan.cmake -B .build/tsan
set(CMAKE_BUILD_TYPE "Debug" CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CRIER_SANITIZE "thread" CACHE STRING "")
