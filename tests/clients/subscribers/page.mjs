// The page of chromium.mjs: opens and closes EventSources as its server says.

import { EventSource as EventSourcePackage } from 'eventsource';
import { watch } from '/watch.mjs';

const kinds = {
  native: window.EventSource,
  eventsource: EventSourcePackage,
  polyfill: window.EventSourcePolyfill,
};
const sources = new Map();
let unsent = [];
let sending = false;

// One request at a time keeps the entries in order.
async function send() {
  if (sending) return;
  sending = true;
  while (unsent.length > 0) {
    const body = JSON.stringify(unsent);
    unsent = [];
    await fetch('/report', { method: 'POST', body });
  }
  sending = false;
}

function obey({ key, kind, url }) {
  if (kind === 'close') {
    sources.get(key).close();
    sources.delete(key);
    return;
  }
  const source = new kinds[kind](url);
  sources.set(key, source);
  watch(source, (entry) => {
    unsent.push({ key, entry });
    send();
  });
}

for (;;) {
  const commands = await (await fetch('/commands')).json();
  commands.forEach(obey);
}
