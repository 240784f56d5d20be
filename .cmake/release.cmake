# cmake -G Ninja -C .cmake/release.cmake -B .build/release
set(CMAKE_BUILD_TYPE "RelWithDebInfo" CACHE STRING "")
