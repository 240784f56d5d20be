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

// Returns an error that says what could not be done, and libnats' words for why. Call it on the
// thread of the failed call.
inline std::unexpected<Error> nats_error(std::string_view what, natsStatus status) {
  const char* detail = nats().nats_GetLastError(nullptr);
  if (detail == nullptr || *detail == '\0') detail = nats().natsStatus_GetText(status);
  return fail(Errc::os, std::string(what) + ": " + detail);
}

}  // namespace crier::cmd
