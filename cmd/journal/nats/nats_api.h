// libnats, loaded when a journal needs it: linked, it costs every daemon 1.9 MB, because it brings
// OpenSSL.
//
// load_nats() once, then nats(). Any thread.
#pragma once

#include <nats/nats.h>

#include "core/result.h"

namespace crier::cmd {

// Those functions of libnats that crier calls, under their own names.
struct NatsApi {
  decltype(::js_GetMsg)* js_GetMsg = nullptr;
  decltype(::js_Subscribe)* js_Subscribe = nullptr;
  decltype(::jsCtx_Destroy)* jsCtx_Destroy = nullptr;
  decltype(::jsMsgMetaData_Destroy)* jsMsgMetaData_Destroy = nullptr;
  decltype(::jsSubOptions_Init)* jsSubOptions_Init = nullptr;
  decltype(::nats_GetLastError)* nats_GetLastError = nullptr;
  decltype(::natsConnection_Close)* natsConnection_Close = nullptr;
  decltype(::natsConnection_Connect)* natsConnection_Connect = nullptr;
  decltype(::natsConnection_Destroy)* natsConnection_Destroy = nullptr;
  decltype(::natsConnection_GetMaxPayload)* natsConnection_GetMaxPayload = nullptr;
  decltype(::natsConnection_JetStream)* natsConnection_JetStream = nullptr;
  decltype(::natsConnection_PublishMsg)* natsConnection_PublishMsg = nullptr;
  decltype(::natsConnection_Request)* natsConnection_Request = nullptr;
  decltype(::natsConnection_Subscribe)* natsConnection_Subscribe = nullptr;
  decltype(::natsMsg_Create)* natsMsg_Create = nullptr;
  decltype(::natsMsg_Destroy)* natsMsg_Destroy = nullptr;
  decltype(::natsMsg_GetData)* natsMsg_GetData = nullptr;
  decltype(::natsMsg_GetDataLength)* natsMsg_GetDataLength = nullptr;
  decltype(::natsMsg_GetMetaData)* natsMsg_GetMetaData = nullptr;
  decltype(::natsMsg_GetTime)* natsMsg_GetTime = nullptr;
  decltype(::natsMsg_GetSubject)* natsMsg_GetSubject = nullptr;
  decltype(::natsMsgHeader_Get)* natsMsgHeader_Get = nullptr;
  decltype(::natsMsgHeader_Set)* natsMsgHeader_Set = nullptr;
  decltype(::natsOptions_Create)* natsOptions_Create = nullptr;
  decltype(::natsOptions_Destroy)* natsOptions_Destroy = nullptr;
  decltype(::natsOptions_LoadCATrustedCertificates)* natsOptions_LoadCATrustedCertificates =
      nullptr;
  decltype(::natsOptions_LoadCertificatesChain)* natsOptions_LoadCertificatesChain = nullptr;
  decltype(::natsOptions_SetClosedCB)* natsOptions_SetClosedCB = nullptr;
  decltype(::natsOptions_SetDisconnectedCB)* natsOptions_SetDisconnectedCB = nullptr;
  decltype(::natsOptions_SetErrorHandler)* natsOptions_SetErrorHandler = nullptr;
  decltype(::natsOptions_SetFailRequestsOnDisconnect)* natsOptions_SetFailRequestsOnDisconnect =
      nullptr;
  decltype(::natsOptions_SetMaxPendingMsgs)* natsOptions_SetMaxPendingMsgs = nullptr;
  decltype(::natsOptions_SetMaxPingsOut)* natsOptions_SetMaxPingsOut = nullptr;
  decltype(::natsOptions_SetMaxReconnect)* natsOptions_SetMaxReconnect = nullptr;
  decltype(::natsOptions_SetName)* natsOptions_SetName = nullptr;
  decltype(::natsOptions_SetPingInterval)* natsOptions_SetPingInterval = nullptr;
  decltype(::natsOptions_SetReconnectBufSize)* natsOptions_SetReconnectBufSize = nullptr;
  decltype(::natsOptions_SetReconnectedCB)* natsOptions_SetReconnectedCB = nullptr;
  decltype(::natsOptions_SetReconnectJitter)* natsOptions_SetReconnectJitter = nullptr;
  decltype(::natsOptions_SetReconnectWait)* natsOptions_SetReconnectWait = nullptr;
  decltype(::natsOptions_SetSecure)* natsOptions_SetSecure = nullptr;
  decltype(::natsOptions_SetSendAsap)* natsOptions_SetSendAsap = nullptr;
  decltype(::natsOptions_SetServers)* natsOptions_SetServers = nullptr;
  decltype(::natsOptions_SetTimeout)* natsOptions_SetTimeout = nullptr;
  decltype(::natsOptions_SetUserCredentialsFromFiles)* natsOptions_SetUserCredentialsFromFiles =
      nullptr;
  decltype(::natsOptions_SetWriteDeadline)* natsOptions_SetWriteDeadline = nullptr;
  decltype(::natsStatus_GetText)* natsStatus_GetText = nullptr;
  decltype(::natsSubscription_Destroy)* natsSubscription_Destroy = nullptr;
  decltype(::natsSubscription_SetOnCompleteCB)* natsSubscription_SetOnCompleteCB = nullptr;
};

// Loads the library. Does nothing if it is loaded. The error says what to install.
[[nodiscard]] Result<void> load_nats();

// Requires: load_nats() has succeeded.
const NatsApi& nats();

}  // namespace crier::cmd
