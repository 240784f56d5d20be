// The EventSources of Node: its own where it has one, and those of npm.

import polyfill from 'event-source-polyfill';
import { EventSource as EventSourcePackage } from 'eventsource';
import { EventSource as UndiciEventSource } from 'undici';
import { watch } from '../watch.mjs';

console.error = () => {};  // event-source-polyfill prints each lost connection.

function client(name, EventSource, traits = {}) {
  const subscribe = (url, report) => {
    const source = new EventSource(url);
    watch(source, report);
    return () => source.close();
  };
  return { name, subscribe, ...traits };
}

// undici, which Node's own is as well, comes back after a lost connection, but closes itself for
// good when the new one is refused; browsers go on.
const kOfUndici = { givesUpWhenRefused: true };

const clients = [
  client('undici', UndiciEventSource, kOfUndici),
  client('eventsource', EventSourcePackage),
  // Outside browsers it reads the body with fetch(), and takes the missing body of a 204 for a lost
  // connection.
  client('event-source-polyfill', polyfill.EventSourcePolyfill, { returnsAfter204: true }),
];
if (globalThis.EventSource) {
  clients.unshift(client("Node's own", globalThis.EventSource, kOfUndici));
}

export default clients;
