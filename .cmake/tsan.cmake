# cmake -G Ninja -C .cmake/tsan.cmake -B .build/tsan
set(CMAKE_BUILD_TYPE "Debug" CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CRIER_SANITIZE "thread" CACHE STRING "")
# A room a compilation takes a third of the time. `tests/run.sh --long` takes each source alone, so
# that none can live on what another includes.
set(CMAKE_UNITY_BUILD "ON" CACHE STRING "")
set(CMAKE_UNITY_BUILD_BATCH_SIZE "0" CACHE STRING "")
