// Owners of libnats' objects, and its errors as crier's.
//
// Values; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cmd/journal/nats/nats_api.h"
#include "core/result.h"

namespace crier::cmd {

struct NatsDestroy {
  void operator()(natsOptions* options) const { nats().natsOptions_Destroy(options); }
  void operator()(natsMsg* message) const { nats().natsMsg_Destroy(message); }
  void operator()(natsSubscription* sub) const { nats().natsSubscription_Destroy(sub); }
  void operator()(jsCtx* context) const { nats().jsCtx_Destroy(context); }
};

using NatsOptionsHandle = std::unique_ptr<natsOptions, NatsDestroy>;
using NatsMessageHandle = std::unique_ptr<natsMsg, NatsDestroy>;
using NatsSubscriptionHandle = std::unique_ptr<natsSubscription, NatsDestroy>;
using NatsContextHandle = std::unique_ptr<jsCtx, NatsDestroy>;

inline std::string_view data_of(natsMsg* message) {
  const char* data = nats().natsMsg_GetData(message);
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(nats().natsMsg_GetDataLength(message))};
}

// Returns the value of a header; empty: there is none. The view is valid as long as the message.
inline std::string_view header_of(natsMsg* message, const char* name) {
  const char* value = nullptr;
  if (nats().natsMsgHeader_Get(message, name, &value) != NATS_OK || value == nullptr) return {};
  return value;
}

// Returns what may help; empty: who knows.
inline const char* nats_advice(natsStatus status) {
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
      return ". Name the credentials of a user that the server knows in nats.credentials";
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED:
      return ". Compare the server's TLS with nats.servers, nats.ca and nats.certificate";
    case NATS_PROTOCOL_ERROR:
      return ". The server may want a certificate: nats.certificate";
    default:
      return "";
  }
}

// Returns an error that says what could not be done, libnats' words for why, and what may help.
// Call it on the thread of the failed call.
inline std::unexpected<Error> nats_error(std::string_view what, natsStatus status) {
  const char* words = nats().nats_GetLastError(nullptr);
  if (words == nullptr || *words == '\0') words = nats().natsStatus_GetText(status);
  std::string_view detail = words;
  // It begins with a place in libnats: "(conn.c:1905): ".
  const std::size_t place = detail.find("): ");
  if (detail.starts_with('(') && place != detail.npos) detail.remove_prefix(place + 3);
  return fail(Errc::os, std::string(what) + ": " + std::string(detail) + nats_advice(status));
}

}  // namespace crier::cmd
