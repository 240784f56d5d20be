# cmake -G Ninja -C .cmake/release.cmake -B .build/release
set(CMAKE_BUILD_TYPE "RelWithDebInfo" CACHE STRING "")
set(CMAKE_UNITY_BUILD "ON" CACHE STRING "")  # As in tsan.cmake.
set(CMAKE_UNITY_BUILD_BATCH_SIZE "0" CACHE STRING "")
