// npm's EventSource over TLS to a proxy, by HTTP/2 or HTTP/1.1, as a browser would: it resumes, and
// closes itself for good on any answer but 200.

import { connect } from 'node:http2';
import { request } from 'node:https';
import { EventSource } from '../clients/node_modules/eventsource/dist/index.js';
import { watch } from '../clients/watch.mjs';

function bodyOf(stream) {
  return new ReadableStream({
    start(body) {
      let open = true;
      const end = (how) => () => {
        if (open) how();
        open = false;
      };
      stream.on('data', (bytes) => { if (open) body.enqueue(bytes); });
      stream.on('end', end(() => body.close()));
      stream.on('error', end(() => body.error(new TypeError('terminated'))));
      stream.on('close', end(() => body.error(new TypeError('terminated'))));
    },
  });
}

function response(stream, status, fields) {
  const headers = Object.entries(fields).filter(([name]) => !name.startsWith(':'));
  return new Response(bodyOf(stream), { status, headers: headers.map(([n, v]) => [n, `${v}`]) });
}

// All requests share a connection, as a browser's do.
function http2Fetch(options) {
  let session = null;
  return (url, { headers, signal }) => new Promise((resolve, reject) => {
    if (!session || session.closed || session.destroyed) {
      session = connect(url.origin, options);
      session.on('error', () => {});  // The request is told.
      session.unref();
    }
    const stream = session.request({ ':path': url.pathname + url.search, ...headers }, { signal });
    stream.on('response', (fields) => resolve(response(stream, fields[':status'], fields)));
    stream.on('error', reject);
  });
}

function http1Fetch(options) {
  return (url, { headers, signal }) => new Promise((resolve, reject) => {
    const call = request(url, { ...options, headers, signal, agent: false });
    call.on('response', (answer) => resolve(response(answer, answer.statusCode, answer.headers)));
    call.on('error', reject);
    call.end();
  });
}

export const kVersions = ['HTTP/2', 'HTTP/1.1'];

// `report` gets what watch() reports, and {type: 'answer', status} for each answer's head.
export function openEventSource(version, url, { ca, address }, report) {
  const lookup = (name, { all }, done) =>
    (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4));
  const get = (version === 'HTTP/2' ? http2Fetch : http1Fetch)({ ca, lookup });
  const source = new EventSource(url, {
    fetch: async (...request) => {
      const answer = await get(...request);
      report({ type: 'answer', status: answer.status });
      return answer;
    },
  });
  watch(source, report);
  return () => source.close();
}
