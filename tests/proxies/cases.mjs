// What must hold behind each proxy. A case throws when it does not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { numbersUpTo, publishNumbers } from '../clients/numbers.mjs';
import { kVersions } from './browser.mjs';
import { kReloadSeconds } from './proxy.mjs';

const kPromptSeconds = 15;     // For what should take milliseconds, on a busy machine.
const kReconnectSeconds = 25;  // After crier.open's, crier.end's or crier.busy's `retry`.
const kDelayMsMax = 100;       // Of an event through the proxy, the median.
const kEventsTimed = 15;
const kDrainDelaySeconds = 5;  // In which a proxy must notice that crier drains.
const kQuietSeconds = 70;      // nginx's own timeout is 60 s, Debian's for HAProxy 50 s.

// The options of the README's own check, so that it works as written.
const kReadme = readFileSync(new URL('../../deploy/proxies/README.md', import.meta.url), 'utf8');
const kStream = kReadme.match(/^ {4}curl -N (-H) '(.*)' 'https:/m).slice(1);
const kFlags = { 'HTTP/2': '--http2', 'HTTP/1.1': '--http1.1' };
const kOtherOrigin = ['-H', 'Origin: https://other.example.com'];
const kPreflight = ['-X', 'OPTIONS', ...kOtherOrigin, '-H', 'Access-Control-Request-Method: GET',
                    '-H', 'Access-Control-Request-Headers: last-event-id'];

async function passesEachEventAtOnce({ daemon, proxy, subscribe }) {
  for (const version of kVersions) {
    const journal = subscribe(version, '/events/news');
    await journal.nth('crier.open', 1, kPromptSeconds);
    const delays = [];
    for (let n = 1; n <= kEventsTimed; ++n) {
      const began = performance.now();
      await daemon.publish('news', 'short');
      await journal.nth('message', n, kPromptSeconds);
      delays.push(performance.now() - began);
    }
    const median = delays.sort((a, b) => a - b)[kEventsTimed >> 1];
    assert.ok(median < kDelayMsMax, `${version}: ${median} ms`);

    const answer = await proxy.curl('/events/news', kFlags[version], '--compressed', ...kStream);
    assert.equal(answer.version.replace('HTTP/2.0', 'HTTP/2'), version);
    assert.equal(answer.status, 200);
    assert.match(answer.head, /^content-type: text\/event-stream/m);
    assert.match(answer.head, /^cache-control: no-cache, no-transform/m);
    assert.doesNotMatch(answer.head, /^content-encoding/m);
    assert.match(answer.body, /^event: crier\.open$/m);
  }
}

async function passesHeadersOn({ daemon, proxy }) {
  const first = await daemon.publish('news', 'one');
  await daemon.publish('news', 'two');
  for (const version of kVersions) {
    const ask = (...options) =>
      proxy.curl('/events?topic=news', kFlags[version], ...kStream, ...options);
    const resumed = await ask('-H', `Last-Event-ID: ${first}`);
    assert.match(resumed.body, new RegExp(`^id: ${first}\nevent: crier\\.open$`, 'm'));
    assert.doesNotMatch(resumed.body, /^data: one$/m);
    assert.match(resumed.body, /^data: two$/m);
    // Origin and Host: crier lets pages of its own host in, and no others.
    assert.equal((await ask('-H', `Origin: ${proxy.url('')}`)).status, 200);
    assert.equal((await ask(...kOtherOrigin)).status, 403);
  }
}

async function endsWhenTheBrowserLeaves({ daemon, subscribe, leave }) {
  for (const version of kVersions) {
    await subscribe(version, '/events/news').nth('crier.open', 1, kPromptSeconds);
  }
  assert.equal(await daemon.streams(), kVersions.length);
  leave();
  // Long before a heartbeat, which would find out.
  const deadline = Date.now() + 5_000;
  while (await daemon.streams() > 0) {
    assert.ok(Date.now() < deadline, 'crier still has streams nobody reads');
    await sleep(50);
  }
}

async function losesNothingByReloadAndRestart({ daemon, proxy, subscribe, atEnd }) {
  const journals = kVersions.map((version) => subscribe(version, '/events/ticks'));
  const opened = (n, secondsMax) =>
    Promise.all(journals.map((journal) => journal.nth('crier.open', n, secondsMax)));
  await opened(1, kPromptSeconds);
  const publisher = publishNumbers(daemon, 'ticks');
  atEnd(() => publisher.stop().catch(() => {}));
  await Promise.all(journals.map((journal) => journal.nth('message', 30, kPromptSeconds)));

  await proxy.reload();
  if (proxy.cutsOnReload) await opened(2, kReloadSeconds + kReconnectSeconds);
  const expectedBefore = proxy.cutsOnReload ? 2 : 1;
  await sleep(500);
  for (const journal of journals) {
    assert.equal(journal.of('crier.open').length, expectedBefore);
  }
  await proxy.stop();
  await proxy.start();
  await opened(expectedBefore + 1, kReconnectSeconds);

  const expected = numbersUpTo(await publisher.stop());
  for (const journal of journals) {
    await journal.until('the last number', kPromptSeconds,
                        () => journal.of('message').at(-1)?.data === expected.at(-1));
    assert.deepEqual(journal.of('message').map((entry) => entry.data), expected);
    assert.deepEqual(journal.of('crier.gap'), []);
  }
}

// What the proxy says itself while there is no crier, or none that is ready.
async function asksToWait(proxy, reason) {
  const answer = await proxy.curl('/events/news', '--max-time', '8', ...kStream, ...kOtherOrigin);
  assert.equal(answer.status, 200);
  assert.match(answer.head, /^content-type: text\/event-stream/m);
  assert.match(answer.head, /^cache-control: no-store/m);
  assert.match(answer.head, /^access-control-allow-origin: https:\/\/other\.example\.com/m);
  const [, retry, told] = answer.body.match(
    /^event: crier\.busy\nretry: (\d+)\ndata: \{"reason":"(\w+)"\}\n\n$/) ?? [];
  assert.equal(told, reason, answer.body);
  assert.ok(retry >= 5_000 && retry < 10_000, `retry: ${retry}`);
}

async function letsPreflightsPassAndNothingElse(proxy) {
  const preflight = await proxy.curl('/events/news', '--max-time', '8', ...kPreflight);
  assert.equal(preflight.status, 200);
  assert.match(preflight.head, /^access-control-allow-headers: last-event-id/m);
  const other = await proxy.curl('/healthz', '--max-time', '8');
  assert.ok([502, 503].includes(other.status), `${other.status}`);
}

async function getsNoStreamsFromDraining({ daemon, proxy }) {
  const deadline = Date.now() + kDrainDelaySeconds * 1000;
  for (;;) {
    const { body } = await proxy.curl('/events/news', '--max-time', '1.5', ...kStream);
    if (body.includes('unreachable')) break;
    assert.ok(Date.now() < deadline, 'a crier that drains gets streams');
    await sleep(100);
  }
  assert.ok(await daemon.healthy(), 'the drain was over already');
}

// `away`: how crier goes.
function returnsAfter(away) {
  return async (context) => {
    const { daemon, proxy, subscribe } = context;
    const journals = kVersions.map((version) => subscribe(version, '/events/news'));
    const all = (type, n, secondsMax) =>
      Promise.all(journals.map((journal) => journal.nth(type, n, secondsMax)));
    await all('crier.open', 1, kPromptSeconds);
    await daemon.publish('news', 'old life');
    await all('message', 1, kPromptSeconds);

    await away(context, all);
    await all('crier.busy', 1, kReconnectSeconds);
    await asksToWait(proxy, 'unreachable');
    await letsPreflightsPassAndNothingElse(proxy);
    await daemon.start();
    await daemon.publish('news', 'new life, before the client is back');
    await all('crier.open', 2, kReconnectSeconds);
    await daemon.publish('news', 'new life, live');
    await all('message', 3, kPromptSeconds);
    for (const journal of journals) {
      const [gap, ...others] = journal.of('crier.gap');
      assert.deepEqual(others, []);
      assert.equal(JSON.parse(gap.data).reason, 'restarted');
      assert.deepEqual(
        journal.of('message', 'crier.gap').map((entry) => entry.data),
        ['old life', gap.data, 'new life, before the client is back', 'new life, live']);
      assert.ok(journal.of('answer').every((entry) => entry.status === 200));
    }
  };
}

async function drain({ daemon, proxy }, all) {
  const stopped = daemon.stop();
  stopped.catch(() => {});  // Who awaits it is told.
  if (proxy.checksHealth) await getsNoStreamsFromDraining({ daemon, proxy });
  const ends = await all('crier.end', 1, kReconnectSeconds);
  for (const end of ends) assert.ok(JSON.parse(end.data).reason);
  await stopped;
}

const kUser = ['-H', 'Cookie: session=secret-of-42'];

// [path, options, status]: an application that missed one of the topics would give 200.
const kDecisions = [
  ['/events?topic=all', [], 200],
  ['/events?topic=user.42', [], 401],
  ['/events?topic=user.42', ['-H', 'Cookie: session=wrong'], 401],
  ['/events?topic=user.42', kUser, 200],
  ['/events/user.42?topic=orders.eu&topic=all', kUser, 200],
  ['/events?topic=user.43', kUser, 403],
  ['/events?topic=user.43&topic=user.42', kUser, 403],
  ['/events?topic=user.42&topic=user.43', kUser, 403],
  ['/events/user.43?topic=user.42', kUser, 403],
  ['/events/user%2e43', kUser, 403],
  ['/events?t%6Fpic=user.4%33&topic=user.42', kUser, 403],
  ['/events?topic=user.42&topic=%3E', kUser, 403],
  ['/events?topic=user.42', [...kUser, '-H', 'X-Original-URI: /events?topic=all'], 200],
  ['/events?topic=user.43', [...kUser, '-H', 'X-Original-URI: /events?topic=all'], 403],
  ['/may_subscribe', kUser, 404],
  ['/events', kUser, 400],  // These answers are crier's.
  ['/events?topic=all&lst=2', kUser, 400],
  ['/events/user.42', kPreflight, 204],
];

async function letsAnApplicationDecide({ proxy, daemon, application, subscribe }) {
  for (const version of kVersions) {
    await Promise.all(kDecisions.map(async ([path, options, status]) => {
      const answer = await proxy.curl(path, kFlags[version], ...kStream, ...options);
      assert.equal(answer.status, status, `${version} ${path} ${options}`);
    }));
  }
  const open = kVersions.map((version) => subscribe(version, '/events/all'));
  for (const journal of open) await journal.nth('crier.open', 1, kPromptSeconds);

  application.freeze();
  await asksToWait(proxy, 'unreachable');
  application.kill();
  const late = kVersions.map((version) => subscribe(version, '/events/all'));
  for (const journal of late) await journal.nth('crier.busy', 1, kPromptSeconds);
  await asksToWait(proxy, 'unreachable');
  const other = await proxy.curl('/events/all', '--max-time', '8');
  assert.equal(other.status, 503);
  assert.equal((await proxy.curl('/events/all', ...kPreflight)).status, 204);
  assert.equal(await daemon.streams(), open.length);

  application.start();
  for (const journal of late) await journal.nth('crier.open', 1, kReconnectSeconds);
  await daemon.publish('all', 'to all of them');
  for (const journal of [...open, ...late]) await journal.nth('message', 1, kPromptSeconds);
}

// One stream per address is allowed. curl leaves from the addresses of two clients.
async function tellsClientsApart({ daemon, proxy }) {
  const [first, second] = ['127.0.0.2', '127.0.0.3'];
  const ask = (address, version, ...options) =>
    proxy.curl('/events/news', kFlags[version], '--interface', address, ...options);
  const forged = ['X-Forwarded-For', 'Forwarded'].map(
    (name) => ['-H', `${name}: ${name === 'Forwarded' ? 'for=' : ''}127.0.0.9`]);
  ask(first, 'HTTP/2', '--max-time', `${kPromptSeconds}`);  // Until the proxy is killed.
  const deadline = Date.now() + kPromptSeconds * 1000;
  while (await daemon.streams() < 1) {
    assert.ok(Date.now() < deadline, 'no stream opens');
    await sleep(50);
  }
  for (const version of kVersions) {
    for (const options of [[], ...forged, forged.flat()]) {
      assert.equal((await ask(first, version, ...options)).status, 429);
    }
  }
  const other = await ask(second, 'HTTP/1.1', ...kStream);
  assert.match(other.body, /^event: crier\.open$/m);
}

async function outlivesTheTimeoutsOfProxies({ daemon, subscribe }) {
  const journals = kVersions.map((version) => subscribe(version, '/events/news'));
  for (const journal of journals) await journal.nth('crier.open', 1, kPromptSeconds);
  await sleep(kQuietSeconds * 1000);
  await daemon.publish('news', 'still there');
  for (const journal of journals) {
    await journal.nth('message', 1, kPromptSeconds);
    assert.deepEqual(journal.entries.map((entry) => entry.type),
                     ['answer', 'crier.open', 'message']);
  }
}

// The first takes the time, so it runs without the others.
export const cases = [
  { name: 'passes each event at once', run: passesEachEventAtOnce },
  { name: 'passes Last-Event-ID, Origin and Host on', run: passesHeadersOn },
  { name: 'ends a stream when its browser leaves', run: endsWhenTheBrowserLeaves },
  {
    name: 'loses nothing by a reload and a restart of the proxy',
    run: losesNothingByReloadAndRestart,
    settings: { 'history.events_max': 10_000 },
  },
  {
    name: 'brings EventSource back after a drain',
    run: returnsAfter(drain),
    settings: { 'drain.delay_seconds': kDrainDelaySeconds, 'drain.window_seconds': 1 },
  },
  {
    name: 'brings EventSource back after a crash',
    run: returnsAfter(({ daemon }) => daemon.kill()),
  },
  {
    name: 'lets an application decide who may subscribe',
    run: letsAnApplicationDecide,
    settings: { 'http.origins': '["https://other.example.com"]' },
    asksApplication: true,
  },
  {
    name: 'tells clients apart, whatever they say of themselves',
    run: tellsClientsApart,
    tellsClientsApart: true,
    settings: { 'http.trusted_proxies': '127.0.0.1', 'limits.streams_per_address_max': 1 },
  },
  {
    name: `outlives ${kQuietSeconds} s without a byte`,
    run: outlivesTheTimeoutsOfProxies,
    settings: { 'heartbeat.interval_seconds': 3600 },
    slow: true,
  },
];
