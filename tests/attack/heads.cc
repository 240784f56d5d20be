// Prints the hostile request heads of tests/net/http/hostile_heads.h, one line of JSON each: for
// which socket, its name, the status that it must get, and its bytes in hex.
#include <cstdio>
#include <string>

#include "tests/net/http/hostile_heads.h"

namespace {

void print(const char* socket, const crier::net::HostileHead& head) {
  std::string hex;
  for (const char byte : head.bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    hex += {kDigits[value >> 4], kDigits[value & 15]};
  }
  std::printf(R"({"socket":"%s","name":"%.*s","status":%d,"hex":"%s"})"
              "\n",
              socket, static_cast<int>(head.name.size()), head.name.data(), head.status,
              hex.c_str());
}

}  // namespace

int main() {
  for (const auto& head : crier::net::hostile_heads()) print("http", head);
  for (const auto& head : crier::net::hostile_publish_heads()) print("publish", head);
}
