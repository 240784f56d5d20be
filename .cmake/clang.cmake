# cmake -G Ninja -C .cmake/clang.cmake -B .build/clang
set(CMAKE_BUILD_TYPE "RelWithDebInfo" CACHE STRING "")
set(CMAKE_C_COMPILER "clang-19" CACHE STRING "")
set(CMAKE_CXX_COMPILER "clang++-19" CACHE STRING "")
