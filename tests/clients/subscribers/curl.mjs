// `curl -N` in the loop that a shell script would have: it reconnects after the stream's `retry`
// with the last id that it has seen.

import { spawn } from 'node:child_process';
import { createParser } from 'eventsource-parser';
import { kEventTypes } from '../watch.mjs';

function subscribe(url, report) {
  let lastId = '';
  let retryMs = 1000;
  let child = null;
  let timer = null;

  function connect() {
    const parser = createParser({
      onEvent: ({ event, data, id }) => {
        lastId = id ?? lastId;
        const type = event ?? 'message';
        if (kEventTypes.includes(type)) report({ type, data, id: lastId });
      },
      onRetry: (value) => { retryMs = value; },
      onError: (error) => {
        if (error.field === 'crc32c') return;  // It tells of fields that it ignores.
        report({ type: 'error', parser: error.message });
      },
    });
    const resume = lastId ? ['-H', `Last-Event-ID: ${lastId}`] : [];
    child = spawn('curl', ['-sSN', '--fail', '-H', 'Accept: text/event-stream', ...resume, url],
                  { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.setEncoding('utf8').on('data', (text) => parser.feed(text));
    child.on('close', (curlExit) => {
      report({ type: 'error', curlExit });
      timer = setTimeout(connect, retryMs);
    });
  }

  connect();
  return () => {
    child.removeAllListeners('close');
    child.kill();
    clearTimeout(timer);
  };
}

// A loop that does not look at the status.
export default { name: 'curl', subscribe, returnsAfter204: true };
