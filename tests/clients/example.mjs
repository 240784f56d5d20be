// deploy/examples/page.html in Chromium: what it shows over a reload and a restart of crier, and
// when its topics are closed.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Daemon } from './daemon.mjs';
import { startChromium } from './subscribers/chromium.mjs';
import { failureOf } from './verdicts.mjs';

const kSecondsMax = 40;  // Chromium's start, or a reconnect.

// Tells the server what the page shows, and reloads it when the answer says so.
const kWatcher = `<script>
setInterval(async () => {
  const shown = [...document.querySelectorAll('li')].map((line) => line.textContent);
  const state = document.querySelector('#state').textContent;
  const body = JSON.stringify({ state, shown, loaded: performance.timeOrigin });
  const answer = await fetch('/seen', { method: 'POST', body });
  if (await answer.text() === 'reload') location.reload();
}, 100);
</script>`;

class ExamplePage {
  seen = { state: '', shown: [], loaded: 0 };
  reload = false;

  constructor(address, daemon) {
    const file = new URL('../../deploy/examples/page.html', import.meta.url);
    const text = readFileSync(file, 'utf8');
    const page = text.replace('http://127.0.0.1:8080', daemon.url('')) + kWatcher;
    assert.notEqual(page, text + kWatcher, 'the page does not name the default address');
    this.server = createServer(async (request, response) => {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      if (request.url !== '/seen') return response.end(page);
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      this.seen = JSON.parse(body);
      response.end(this.reload ? 'reload' : '');
      this.reload = false;
      return undefined;
    });
    this.server.listen(8080, address);
  }

  async until(what, isSo) {
    const deadline = Date.now() + kSecondsMax * 1000;
    while (!isSo(this.seen)) {
      assert.ok(Date.now() < deadline, `not ${what}, but ${JSON.stringify(this.seen)}`);
      await sleep(50);
    }
  }

  async shows(...expected) {
    await this.until(`shown: ${expected}`, ({ shown }) => shown.length >= expected.length);
    assert.deepEqual(this.seen.shown, expected);
  }
}

async function run(daemon, page, origin, directory) {
  await once(page.server, 'listening');
  await daemon.start();
  await daemon.publish('all', 'history');
  startChromium(join(directory, 'example'), origin);
  await page.until('connected', ({ state }) => state === 'connected');
  await page.shows('history');
  await daemon.publish('user.42', 'live', 'mail');
  await daemon.publish('user.43', 'not ours', 'mail');
  await page.shows('history', 'live');

  const { loaded } = page.seen;
  page.reload = true;
  await page.until('asked to reload', () => !page.reload);
  await daemon.publish('all', 'while it is loaded again');
  await page.until('loaded again', (seen) => seen.loaded !== loaded);
  await page.shows('history', 'live', 'while it is loaded again');

  await daemon.stop();
  await daemon.start();
  await daemon.publish('all', 'after a restart');
  await page.shows('history', 'live', 'while it is loaded again', 'after a restart');
  assert.equal(page.seen.state, 'connected; some events are missing');

  await daemon.close('all', '');
  await daemon.close('user.42', '');
  const isClosed = ({ state }) => state.startsWith('closed');
  await page.until('closed', isClosed);
  const { loaded: before } = page.seen;
  page.reload = true;
  await page.until('loaded again, and closed', (seen) => seen.loaded !== before && isClosed(seen));
}

export async function exampleResumes(crier, directory, addresses) {
  const address = addresses.next();
  const origin = `http://${address}:8080`;
  const daemon = new Daemon(crier, directory, addresses.next(), {
    'http.origins': JSON.stringify([origin]),
    'drain.window_seconds': 1,
  });
  const page = new ExamplePage(address, daemon);
  try {
    await run(daemon, page, origin, directory);
    return null;
  } catch (error) {
    return failureOf([error.stack, daemon.outputTail()]);
  } finally {
    daemon.kill();
    page.server.closeAllConnections();
    page.server.close();
  }
}
