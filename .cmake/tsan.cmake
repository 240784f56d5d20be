# cmake -G Ninja -C .cmake/tsan.cmake -B .build/tsan
set(CMAKE_BUILD_TYPE "Debug" CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CRIER_SANITIZE "thread" CACHE STRING "")
# Several sources a compilation take a third of the time. `tests/run.sh --long` takes each alone, so
# that none can live on what another includes.
set(CMAKE_UNITY_BUILD "ON" CACHE STRING "")
