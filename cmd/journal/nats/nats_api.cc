#include "cmd/journal/nats/nats_api.h"

#include <dlfcn.h>

#include <string>

#include "core/check.h"

namespace crier::cmd {
namespace {

class Library {
 public:
  explicit Library(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}

  // Why a function is missing; empty: none is.
  std::string error;

  template <typename Function>
  void find(const char* name, Function*& function) {
    function = handle_ == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(handle_, name));
    if (function == nullptr && error.empty()) error = ::dlerror();
  }

 private:
  void* handle_;  // Never closed: libnats has threads and a call at the end of the process.
};

NatsApi loaded_api;
bool is_loaded = false;

}  // namespace

Result<void> load_nats() {
  if (is_loaded) return {};
  Library library(CRIER_NATS_LIBRARY);
  library.find("js_GetMsg", loaded_api.js_GetMsg);
  library.find("js_Subscribe", loaded_api.js_Subscribe);
  library.find("jsCtx_Destroy", loaded_api.jsCtx_Destroy);
  library.find("jsMsgMetaData_Destroy", loaded_api.jsMsgMetaData_Destroy);
  library.find("jsSubOptions_Init", loaded_api.jsSubOptions_Init);
  library.find("nats_GetLastError", loaded_api.nats_GetLastError);
  library.find("natsConnection_Close", loaded_api.natsConnection_Close);
  library.find("natsConnection_Connect", loaded_api.natsConnection_Connect);
  library.find("natsConnection_Destroy", loaded_api.natsConnection_Destroy);
  library.find("natsConnection_GetMaxPayload", loaded_api.natsConnection_GetMaxPayload);
  library.find("natsConnection_JetStream", loaded_api.natsConnection_JetStream);
  library.find("natsConnection_PublishMsg", loaded_api.natsConnection_PublishMsg);
  library.find("natsConnection_Request", loaded_api.natsConnection_Request);
  library.find("natsConnection_Subscribe", loaded_api.natsConnection_Subscribe);
  library.find("natsMsg_Create", loaded_api.natsMsg_Create);
  library.find("natsMsg_Destroy", loaded_api.natsMsg_Destroy);
  library.find("natsMsg_GetData", loaded_api.natsMsg_GetData);
  library.find("natsMsg_GetDataLength", loaded_api.natsMsg_GetDataLength);
  library.find("natsMsg_GetMetaData", loaded_api.natsMsg_GetMetaData);
  library.find("natsMsg_GetTime", loaded_api.natsMsg_GetTime);
  library.find("natsMsg_GetSubject", loaded_api.natsMsg_GetSubject);
  library.find("natsMsgHeader_Get", loaded_api.natsMsgHeader_Get);
  library.find("natsMsgHeader_Set", loaded_api.natsMsgHeader_Set);
  library.find("natsOptions_Create", loaded_api.natsOptions_Create);
  library.find("natsOptions_Destroy", loaded_api.natsOptions_Destroy);
  library.find("natsOptions_LoadCATrustedCertificates",
               loaded_api.natsOptions_LoadCATrustedCertificates);
  library.find("natsOptions_LoadCertificatesChain", loaded_api.natsOptions_LoadCertificatesChain);
  library.find("natsOptions_SetClosedCB", loaded_api.natsOptions_SetClosedCB);
  library.find("natsOptions_SetDisconnectedCB", loaded_api.natsOptions_SetDisconnectedCB);
  library.find("natsOptions_SetErrorHandler", loaded_api.natsOptions_SetErrorHandler);
  library.find("natsOptions_SetFailRequestsOnDisconnect",
               loaded_api.natsOptions_SetFailRequestsOnDisconnect);
  library.find("natsOptions_SetMaxPendingMsgs", loaded_api.natsOptions_SetMaxPendingMsgs);
  library.find("natsOptions_SetMaxPingsOut", loaded_api.natsOptions_SetMaxPingsOut);
  library.find("natsOptions_SetMaxReconnect", loaded_api.natsOptions_SetMaxReconnect);
  library.find("natsOptions_SetName", loaded_api.natsOptions_SetName);
  library.find("natsOptions_SetPingInterval", loaded_api.natsOptions_SetPingInterval);
  library.find("natsOptions_SetReconnectBufSize", loaded_api.natsOptions_SetReconnectBufSize);
  library.find("natsOptions_SetReconnectedCB", loaded_api.natsOptions_SetReconnectedCB);
  library.find("natsOptions_SetReconnectJitter", loaded_api.natsOptions_SetReconnectJitter);
  library.find("natsOptions_SetReconnectWait", loaded_api.natsOptions_SetReconnectWait);
  library.find("natsOptions_SetSecure", loaded_api.natsOptions_SetSecure);
  library.find("natsOptions_SetSendAsap", loaded_api.natsOptions_SetSendAsap);
  library.find("natsOptions_SetServers", loaded_api.natsOptions_SetServers);
  library.find("natsOptions_SetTimeout", loaded_api.natsOptions_SetTimeout);
  library.find("natsOptions_SetUserCredentialsFromFiles",
               loaded_api.natsOptions_SetUserCredentialsFromFiles);
  library.find("natsOptions_SetWriteDeadline", loaded_api.natsOptions_SetWriteDeadline);
  library.find("natsStatus_GetText", loaded_api.natsStatus_GetText);
  library.find("natsSubscription_Destroy", loaded_api.natsSubscription_Destroy);
  library.find("natsSubscription_SetOnCompleteCB", loaded_api.natsSubscription_SetOnCompleteCB);
  if (!library.error.empty()) {
    return fail(Errc::not_found,
                "journal.kind nats needs a library that cannot be loaded (Debian 12: install the "
                "package libnats3.4): " +
                    library.error);
  }
  is_loaded = true;
  return {};
}

const NatsApi& nats() {
  CRIER_CHECK(is_loaded);
  return loaded_api;
}

}  // namespace crier::cmd
