// What the dashboard must show. A case throws when it does not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostileSample, hostileTraces, kHostile } from './samples.mjs';

const kWide = { viewport: { width: 1400, height: 900 } };
const kPhone = { viewport: { width: 360, height: 740 } };
const kSampleMs = 3000;  // A figure is a second old at most; the rest is a busy machine.

async function openStreams(daemon, topic, number) {
  const requests = Array.from({ length: number }, () => get(daemon.url(`/events/${topic}`)));
  for (const request of requests) request.on('error', () => {});
  await Promise.all(requests.map((request) => once(request, 'response')));
  return { close: () => requests.forEach((request) => request.destroy()) };
}

async function publishEach(daemon, topics) {
  for (const topic of topics) await daemon.publish(topic, 'data');
}

const withThousands = (value) => value.toLocaleString('en');
const sinceStart = (value) => `${value} since the start`;

// The figures of the page are those of /metrics, a second later at most.
async function equalsMetrics(page, daemon) {
  const stay = await openStreams(daemon, 'news', 20);
  const leave = await openStreams(daemon, 'news', 5);
  await page.open();
  await page.until('#state-title', (text) => text.startsWith('Ready and well'));
  await publishEach(daemon, Array(50).fill('news'));
  leave.close();
  const shows = [
    ['[data-figure=streams]', 'crier_stream_active_connections', (value) => value],
    ['[data-detail=published]', 'crier_events_published_total', sinceStart],
    ['[data-detail=delivered]', 'crier_events_delivered_total', sinceStart],
    ['#ended tr:has-text("client_closed") td', 'crier_streams_ended_total{reason="client_closed"}',
     (value) => value],
  ];
  await page.until('#ended tbody', (text) => /client_closed\s+5\b/.test(text));
  for (const [selector, metric, asShown] of shows) {
    const value = await daemon.metric(metric);
    await page.until(selector, (text) => text === asShown(withThousands(value)), kSampleMs);
  }
  const memory = await daemon.metric('crier_memory_bytes{part="streams"}');
  const bytes = await page.evaluate(
    async (value) => (await import('/text.js')).bytes(value), memory);
  await page.until('#memory tr:has-text("streams") td', (text) => text === bytes, kSampleMs);
  const workers = await page.until('#workers tbody', (text) => text.length > 0);
  const streams = workers.split('\n').map((line) => Number(line.split('\t')[1]));
  assert.equal(streams.reduce((a, b) => a + b), 20, workers);
  stay.close();
}

async function survivesRestart(page, daemon) {
  await page.open();
  await publishEach(daemon, Array(30).fill('news'));
  await page.until('[data-detail=published]', (text) => text === '30 since the start');
  await daemon.stop();
  await page.until('#state-title', (text) => text.startsWith('No connection to crier since'));
  await daemon.start();
  await publishEach(daemon, ['news']);
  await page.until('#state-title', (text) => text.startsWith('Ready and well'));
  await page.until('#findings', (text) => text.includes('crier restarted at'));
  await page.until('[data-detail=published]', (text) => text === '1 since the start');
  const negative = await page.evaluate(() => /(^|\s)[-−]\d/.test(document.body.innerText));
  assert.equal(negative, false);
}

// Streams whose clients do not read.
async function showsLaggingStreams(page, daemon) {
  const streams = await openStreams(daemon, 'slow', 2);
  await page.open();
  for (let i = 0; i < 12; i += 1) await daemon.publish('slow', 'x'.repeat(200_000));
  const text = await page.until('#lagging tbody', (rows) => rows.split('slow\n').length === 3);
  assert.match(text, /127[.\d]+:\d+, worker [01]\n[0-9a-f]{32}\n?\t\d+\t[\d.]+\s(?:[KM]i)?B\t\d+s/);
  streams.close();
  await page.until('#lagging tbody', (shown) => shown === '');
}

async function followsATopic(page, daemon) {
  await page.open();
  await page.until('#tail form', (text) => text.includes('Follow'));
  await page.fill('#tail [name=topic]', 'orders.>');
  await page.click('#tail form button:has-text("Follow")');
  await page.until('#tail-state', (text) => text === 'Following orders.>.');
  await daemon.publish('orders.eu', '<b>one</b>\ntwo', 'created');
  await publishEach(daemon, ['other', 'orders.us']);
  const list = await page.until('#tail-events', (text) => text.includes('orders.us'));
  assert.match(list, /^[^]*orders\.us[^]*orders\.eu created[^]*<b>one<\/b>\ntwo\s*$/);
  assert.ok(!list.includes('other'));
  await page.fill('#tail [name=filter]', 'created');
  await page.until('#tail-count', (text) => text === '1 of the last 2 events.');
  await page.click('#tail form button:has-text("Pause")');
  await publishEach(daemon, ['orders.us']);
  await page.until('#tail-count', (text) => text === 'Newer events: 1.');
  await page.click('#tail form button:has-text("Pause")');
  await page.until('#tail-count', (text) => text === '1 of the last 3 events.');
}

// The newest trace, as its table and its bars show it; asked for only while it can be seen.
async function drawsTraces(page, daemon) {
  const streams = await openStreams(daemon, 'orders', 4);
  await page.open();
  await publishEach(daemon, ['news', 'orders']);
  await page.until('[data-detail=published]', (text) => text === '2 since the start');
  assert.equal(page.asked('/debug/trace'), 0);
  await page.scrollTo('#traces');
  const list = '#traces-list li:nth-child(1)';
  await page.until(list, (text) => text.startsWith('orders'));
  await page.until('#traces-list', (text) => !text.includes('not complete'));
  await page.until('#traces-state', (text) => text === 'One publish in 1 is followed.');
  await page.click(`${list} summary`);
  await page.until('#traces-state', (text) => text.endsWith('Held while a table is open.'));
  const shown = await page.until(`${list} tbody`, (text) => text.includes('worker 0'));
  const { trace, way, cells, bars } = await page.evaluate(async (row) => {
    const [trace] = (await (await fetch('debug/trace?limit=1')).json()).traces;
    const { wayOf } = await import('/traces.js');
    const { micros } = await import('/text.js');
    const way = wayOf(trace);
    const { left, right } = document.querySelector(`${row} .axis`).getBoundingClientRect();
    const ends = [...document.querySelectorAll(`${row} .step`)]
      .map((bar) => bar.getBoundingClientRect());
    const share = (x) => (x - left) / (right - left);
    return {
      trace, way, cells: way.workers.map(({ last }) => micros(last)),
      bars: ends.map((bar) => [share(bar.left), share(bar.right)]),
    };
  }, list);
  assert.equal(trace.topic, 'orders');
  for (const cell of cells.filter((text) => text !== '–')) assert.ok(shown.includes(cell), shown);
  assert.equal(way.total, Math.max(...way.workers.map(({ done }) => done)));
  const times = [way.bars, ...way.workers.map((worker) => worker.bars)].flat();
  assert.equal(bars.length, times.length);
  for (const [i, [, from, to]] of times.entries()) {
    assert.ok(Math.abs(bars[i][0] - from / way.total) < 0.01, `${i}: ${bars[i]}`);
    assert.ok(Math.abs(bars[i][1] - Math.max(from, to) / way.total) < 0.02, `${i}: ${bars[i]}`);
  }
  const before = page.asked('/debug/trace');
  await page.click('#traces [name=same]');
  await page.expectAccessible();
  await page.expectNoScrolling();
  assert.equal(page.asked('/debug/trace'), before);
  streams.close();
}

async function publishesAnEvent(page, daemon) {
  const [stream] = await once(get(daemon.url('/events/orders')), 'response');
  let received = '';
  stream.setEncoding('utf8').on('data', (bytes) => { received += bytes; }).on('error', () => {});
  await page.open();
  await page.until('#publish form', (text) => text.includes('Event name'));
  await page.fill('#publish [name=topic]', 'orders');
  await page.fill('#publish [name=event]', 'tried');
  await page.fill('#publish [name=data]', 'one "line"\n<b>and another</b>');
  await page.press('Tab');
  await page.press('Enter');
  const told = await page.until('#publish-result', (text) => text.startsWith('Published on'));
  const [, id] = told.match(/: (\S+)$/);
  const sent = `id: ${id}\nevent: tried\ndata: one "line"\ndata: <b>and another</b>\n\n`;
  for (let i = 0; i < 100 && !received.includes(sent); i += 1) await sleep(50);
  assert.ok(received.includes(sent), received);
  await page.fill('#publish [name=topic]', 'orders..eu');
  await page.click('#publish button');
  await page.until('#publish-result', (text) => text.includes('"orders..eu" is not a valid topic'));
  await page.expectAccessible();
  await daemon.stop();
  await page.click('#publish button');
  await page.until('#publish-result', (text) => text.startsWith('crier did not answer'));
  stream.destroy();
}

async function hidesNamesWithoutDebug(page, daemon) {
  await page.open();
  await publishEach(daemon, ['secret']);
  await page.until('[data-detail=published]', (text) => text === '1 since the start');
  for (const [section, hidden] of [
    ['#streams', 'Busiest'], ['#traces', 'Pause'], ['#tail', 'Follow'],
  ]) {
    const text = await page.until(section, (shown) => shown.includes('admin.debug'));
    assert.ok(!text.includes(hidden), text);
  }
  const form = await page.evaluate(() => document.querySelector('#publish').checkVisibility());
  assert.equal(form, false);
  assert.equal(page.asked('/debug/trace'), 0);
  await page.expectAccessible();
}

async function bearsManyTopics(page, daemon) {
  const tail = 'long-'.repeat(40);
  const all = Array.from({ length: 1000 }, (_, i) => `${tail}${i}`);
  await publishEach(daemon, all);
  const streams = await openStreams(daemon, `${tail}7`, 3);
  await page.open();
  await page.until('[data-detail=published]', (text) => text === '1,000 since the start');
  await publishEach(daemon, all.slice(0, 100).flatMap((topic) => [topic, `${tail}7`]));
  await page.until('#topics tbody', (text) => (
    new RegExp(`^${tail}7\\t[\\d.]+\\t[\\d.]+\\t3\\n`).test(text)));
  await page.expectNoScrolling();
  streams.close();
}

// Every section has rows, and every name is hostile.
async function isAccessible(page) {
  await page.openWith([1, 2, 3].map((n) => hostileSample(n)), hostileTraces);
  for (const selector of ['#topics tbody', '#lagging tbody', '#kernel tbody', '#bounds tbody']) {
    const text = await page.until(selector, (shown) => shown.length > 0);
    for (const name of kHostile) assert.ok(text.includes(name), `${selector}: ${name} in ${text}`);
  }
  await page.until('#ended tbody', (text) => text.includes(kHostile[0]));
  await page.scrollTo('#traces');
  const traces = await page.until('#traces-list', (text) => text.length > 0);
  for (const name of kHostile) assert.ok(traces.includes(name), `${name} in ${traces}`);
  assert.ok(traces.includes('12 more workers'), traces);
  await page.click('#traces-list li:nth-child(3) summary');
  assert.equal(await page.evaluate(() => document.querySelectorAll('img, main script').length), 0);
  await page.expectAccessible();
  await page.expectNoScrolling();
}

// Tab comes to every link, button and field, and past the last one.
async function worksByKeyboard(page) {
  await page.openWith([1, 2].map((n) => hostileSample(n)), hostileTraces);
  await page.until('#kernel tbody', (text) => text.includes('Copy'));
  await page.press('Tab');
  await page.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  const met = new Set();
  for (let presses = 0; presses < 80; presses += 1) {
    await page.press('Tab');
    met.add(await page.evaluate(() => document.activeElement.textContent));
  }
  for (const text of ['Traffic', 'Copy', 'Follow', 'Publish', '/debug/log']) {
    assert.ok(met.has(text), text);
  }
}

// Rates and totals over a restart, a clock that is set back, and a tab that slept.
async function countsRight(page) {
  await page.open();
  const seen = await page.evaluate(async () => {
    const { History } = await import('/samples.js');
    const history = new History();
    const add = (start, time, events, ended) => history.add({
      start, time, ready: true, figures: { events_published: events }, ended: { overflow: ended },
    });
    const published = [];
    for (const [start, time, events, ended] of [
      [0, 100, 1000, 7], [0, 101, 1010, 8],  // 10 a second.
      [0, 161, 1610, 9],                     // The tab slept for a minute.
      [200, 201, 5, 2],                      // A restart: no rate, but two more ended.
      [200, 202, 8, 2],
      [200, 150, 9, 3],                      // The clock was set back.
      [200, 151, 11, 3],
    ]) {
      add(start, time, events, ended);
      published.push(history.entries.at(-1).published);
    }
    for (let i = 0; i < 1000; i += 1) add(200, 151 + i / 10, 11, 3);
    return { published, ended: history.since.ended, kept: history.entries.length };
  });
  assert.deepEqual(seen, {
    published: [null, 10, 10, null, 3, null, 2], ended: { overflow: 5 }, kept: 300,
  });
}

async function namesTheRunbook() {
  const [findings, runbook] = ['cmd/daemon/admin/dashboard/findings.js', 'deploy/runbook.md']
    .map((path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
  const sections = findings.match(/'Crier\w+'/g).map((name) => name.slice(1, -1));
  for (const section of sections) assert.ok(runbook.includes(`\n## ${section}\n`), section);
}

const kLight = { ...kWide, colorScheme: 'light' };

export const cases = [
  { name: 'values are those of /metrics', run: equalsMetrics },
  {
    name: 'survives a restart of the daemon', run: survivesRestart,
    settings: { 'drain.window_seconds': 1 },
  },
  { name: 'lagging streams', run: showsLaggingStreams },
  { name: 'follows a topic', run: followsATopic },
  {
    name: 'draws traces', run: drawsTraces, look: kPhone, settings: { 'admin.trace_every': 1 },
  },
  {
    name: 'publishes an event', run: publishesAnEvent,
    settings: { 'admin.publish': true, 'drain.window_seconds': 1 },
  },
  {
    name: 'no names without admin.debug', run: hidesNamesWithoutDebug,
    settings: { 'admin.debug': false },
  },
  { name: '1,000 topics, 360 pixels wide', run: bearsManyTopics, look: kPhone },
  { name: 'accessible, light', run: isAccessible, look: kLight },
  { name: 'accessible, dark', run: isAccessible, look: { ...kWide, colorScheme: 'dark' } },
  { name: 'accessible, 360 pixels wide', run: isAccessible, look: kPhone },
  { name: 'keyboard', run: worksByKeyboard, look: kLight },
  { name: 'rates and totals', run: countsRight },
  { name: 'names sections of the runbook', run: namesTheRunbook },
];
