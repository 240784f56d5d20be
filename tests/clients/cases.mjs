// What each client must be able to do with crier. A case throws when it cannot.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CuttingProxy } from './cutting_proxy.mjs';
import { numbersUpTo, publishNumbers } from './numbers.mjs';

const kPromptSeconds = 15;      // For what should take milliseconds, on a busy machine.
const kReconnectSeconds = 25;   // After crier.open's or crier.end's `retry`.
const kBusyRetrySeconds = 45;   // After crier.busy's, which is up to 30 s.
const kStopsSeconds = 8;        // A client that has not come back after twice its `retry` will not.

const kEvents = [
  { data: 'plain' },
  { data: 'named', name: 'update' },
  { data: ' leading space, : colon, trailing space ' },
  { data: 'one\ntwo\r\nthree\rfour\n\nsix' },
  { data: 'data: not a field\nid: nor this\n\nevent: nor that', name: 'update' },
  { data: 'Grüße, 世界, Здравствуй, שלום, 👩‍🚀, \u0001\u007f\u2028\ufffd' },
  { data: '\ufeffa byte order mark that belongs to the data' },
  { data: '長'.repeat(60_000) },
  { data: JSON.stringify({ last: true }) },
];

function asReadFromTheStream(data) {
  return data.replace(/\r\n?/g, '\n');
}

async function receives({ daemon, journal, subscribe }) {
  await subscribe(daemon.url('/events?topic=orders.created&topic=orders.paid'));
  const open = await journal.nth('crier.open', 1, kPromptSeconds);
  assert.equal(JSON.parse(open.data).position, open.id);

  await daemon.publish('orders.other', 'not subscribed to');
  const expected = [];
  for (const [index, { data, name }] of kEvents.entries()) {
    const id = await daemon.publish(index % 2 ? 'orders.paid' : 'orders.created', data, name);
    expected.push({ type: name ?? 'message', data: asReadFromTheStream(data), id });
  }
  await journal.until('all events', kPromptSeconds,
                      () => journal.of('message', 'update').length >= expected.length);
  assert.deepEqual(journal.entries, [open, ...expected]);
}

async function startProxy({ daemon, nextAddress, atEnd }) {
  const address = nextAddress();
  const proxy = await CuttingProxy.start(address, daemon.address);
  atEnd(() => proxy.stop());
  return { proxy, url: (path) => `http://${address}:8080${path}` };
}

// How the connection ends, and where the one after it ends: within its replay.
const kCuts = [
  { bytes: 0, reset: false },
  { bytes: 1_234, reset: true },
  { bytes: 0, reset: true, bytesOfNext: 2_000 },
  { bytes: 777, reset: false },
];

async function resumes(context) {
  const { daemon, journal, subscribe, atEnd } = context;
  const { proxy, url } = await startProxy(context);
  await daemon.publish('ticks', 'before the stream');
  await subscribe(url('/events/ticks'));
  await journal.nth('crier.open', 1, kPromptSeconds);

  const publisher = publishNumbers(daemon, 'ticks');
  atEnd(() => publisher.stop().catch(() => {}));
  await journal.nth('message', 30, kPromptSeconds);
  let connections = 1;
  for (const { bytes, reset, bytesOfNext } of kCuts) {
    if (bytesOfNext) {
      proxy.cutNext(bytesOfNext);
      connections += 1;
    }
    proxy.cut(bytes, reset);
    connections += 1;
    await journal.until('a reconnect', kReconnectSeconds, () => proxy.accepted === connections);
    // More than the replay brings.
    await journal.nth('message', publisher.count() + 30, kReconnectSeconds);
  }
  const expected = numbersUpTo(await publisher.stop());
  await journal.until('the last number', kPromptSeconds,
                      () => journal.of('message').at(-1)?.data === expected.at(-1));
  assert.deepEqual(journal.of('message').map((entry) => entry.data), expected);
  assert.deepEqual(journal.of('crier.gap'), []);
}

// Comes back to the daemon's only place after another stream has left it.
async function returnsAfterBusy({ daemon, journal, subscribe, atEnd }) {
  const holder = get(daemon.url('/events/seats'));
  holder.on('error', () => {});
  atEnd(() => holder.destroy());
  await once(holder, 'response');

  await subscribe(daemon.url('/events/seats'));
  const busy = await journal.nth('crier.busy', 1, kPromptSeconds);
  assert.ok(JSON.parse(busy.data).reason);
  assert.equal(busy.id, '');
  holder.destroy();
  await journal.nth('crier.open', 1, kBusyRetrySeconds);

  await daemon.publish('seats', 'yours');
  await journal.nth('message', 1, kPromptSeconds);
  assert.deepEqual(journal.of('message').map((entry) => entry.data), ['yours']);
}

async function returnsAfterEnd(context, subscriber) {
  const { daemon, journal, subscribe } = context;
  const server = subscriber.givesUpWhenRefused ? await startProxy(context) : daemon;
  await subscribe(server.url('/events/news'));
  await journal.nth('crier.open', 1, kPromptSeconds);
  const lastId = await daemon.publish('news', 'old life');
  await journal.nth('message', 1, kPromptSeconds);
  await daemon.stop();
  const end = await journal.nth('crier.end', 1, kPromptSeconds);
  assert.ok(JSON.parse(end.data).reason);
  await daemon.start();
  const [waiting, live] = ['new life, before the client is back', 'new life, live'];
  await daemon.publish('news', waiting);
  await journal.nth('crier.open', 2, kReconnectSeconds);
  await daemon.publish('news', live);
  await journal.nth('message', 3, kPromptSeconds);

  const [gap, ...others] = journal.of('crier.gap');
  assert.deepEqual(others, []);
  assert.deepEqual(JSON.parse(gap.data),
                   { reason: 'restarted', missed: null, resumed_at: gap.id });
  assert.notEqual(gap.id.split('-')[0], lastId.split('-')[0]);
  const told = journal.of('message', 'crier.gap').map((entry) => entry.data);
  assert.deepEqual(told, ['old life', gap.data, waiting, live]);
  // What followed crier.end was the end of a whole response, where a client can tell.
  const ending = journal.entries[journal.entries.indexOf(end) + 1];
  assert.equal(ending.curlExit ?? 0, 0, `curl ended with ${ending.curlExit}`);
}

// After the closing event and the end a client comes back once. Whether it stops at the 204 that
// it then gets is the client's own; deploy/http.md says which do.
async function meetsTheEndOfATopic({ daemon, journal, subscribe }, subscriber) {
  await subscribe(daemon.url('/events/job'));
  await journal.nth('crier.open', 1, kPromptSeconds);
  await daemon.publish('job', 'started');
  const id = await daemon.close('job', 'done');
  const closed = await journal.nth('crier.closed', 1, kPromptSeconds);
  assert.deepEqual(closed, { type: 'crier.closed', data: '{"topic":"job"}', id });
  const end = await journal.nth('crier.end', 1, kPromptSeconds);
  assert.deepEqual(JSON.parse(end.data), { reason: 'closed' });
  assert.deepEqual(journal.of('message').map((entry) => entry.data), ['started', 'done']);

  const deadline = Date.now() + kReconnectSeconds * 1000;
  while (await daemon.answeredClosed() === 0) {
    assert.ok(Date.now() < deadline, 'it did not come back');
    await sleep(200);
  }
  await sleep(kStopsSeconds * 1000);
  const answered = await daemon.answeredClosed();
  assert.equal(answered > 1, subscriber.returnsAfter204 ?? false, `answered ${answered} times`);
  assert.equal(journal.of('crier.open', 'crier.closed').length, 2);
  if (!subscriber.returnsAfter204) assert.equal(journal.of('error').at(-1).closed, true);
}

async function refusesOtherOrigins({ journal, subscribe, daemon }) {
  await subscribe(daemon.url('/events/news'));
  const error = await journal.nth('error', 1, kPromptSeconds);
  assert.deepEqual(journal.entries, [error]);
}

export const cases = [
  { name: 'receives', run: receives },
  {
    name: 'receives the same from events with a checksum',
    run: receives,
    settings: { 'frames.checksum': 'crc32c' },
  },
  {
    name: 'resumes without loss after being cut off',
    run: resumes,
    settings: { 'history.events_max': 10_000 },
  },
  {
    name: 'returns after crier.busy',
    run: returnsAfterBusy,
    settings: { 'limits.streams_max': 1 },
  },
  {
    name: 'returns after crier.end and a restart',
    run: returnsAfterEnd,
    settings: { 'drain.window_seconds': 1 },
  },
  { name: 'comes to the end of a closed topic', run: meetsTheEndOfATopic },
  {
    name: 'is refused when its origin is not listed',
    run: refusesOtherOrigins,
    settings: { 'http.origins': '["https://www.example.com"]' },
    only: (subscriber) => subscriber.inPage,
  },
];
