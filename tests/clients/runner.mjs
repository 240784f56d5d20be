// Runs every case with every client: the clients of a case side by side, each with a daemon of its
// own, so that a run takes as long as its slowest client waits for its reconnects.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from './cases.mjs';
import { Address } from './address.mjs';
import { Daemon } from './daemon.mjs';
import { Journal } from './journal.mjs';
import openBrowser from './subscribers/chromium.mjs';
import curl from './subscribers/curl.mjs';
import nodeClients from './subscribers/node.mjs';

const kRunSecondsMax = 175;
const kColumnsMax = 200;  // Of a failure's lines.

const crier = process.argv[2];
const directory = mkdtempSync(join(tmpdir(), 'crier-clients-'));
const addresses = new Address();

async function runCase(oneCase, subscriber, origins) {
  const daemon = new Daemon(crier, directory, addresses.next(), {
    'http.origins': JSON.stringify(origins),
    ...oneCase.settings,
  });
  const journal = new Journal();
  const cleanups = [];
  const context = {
    daemon,
    journal,
    nextAddress: () => addresses.next(),
    atEnd: (cleanup) => cleanups.push(cleanup),
    subscribe: async (url) => cleanups.push(await subscriber.subscribe(url, journal.add)),
  };
  try {
    await daemon.start();
    await oneCase.run(context, subscriber);
    return null;
  } catch (error) {
    return [error.message, journal.tail(), daemon.outputTail()].join('\n').split('\n')
      .map((line) => `    ${line.slice(0, kColumnsMax)}`).join('\n');
  } finally {
    for (const cleanup of cleanups) await cleanup();
    daemon.kill();
  }
}

async function runAll(subscribers, origins) {
  const counts = { ok: 0, FAIL: 0 };
  for (const oneCase of cases) {
    const fitting = subscribers.filter((one) => !oneCase.only || oneCase.only(one));
    await Promise.all(fitting.map(async (subscriber) => {
      const began = Date.now();
      const failure = await runCase(oneCase, subscriber, origins);
      const verdict = failure === null ? 'ok' : 'FAIL';
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      counts[verdict] += 1;
      console.log(`${verdict} ${subscriber.name}: ${oneCase.name} (${seconds} s)`);
      if (failure !== null) console.log(failure);
    }));
  }
  return counts;
}

process.on('exit', () => {
  Daemon.killAll();
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
setTimeout(() => {
  console.log(`FAIL the run took more than ${kRunSecondsMax} s`);
  process.exit(1);
}, kRunSecondsMax * 1000);

const browser = await openBrowser(directory, addresses.next());
const counts = await runAll([curl, ...nodeClients, ...browser.subscribers], [browser.origin]);
console.log(`clients: ${counts.ok} ok, ${counts.FAIL} failed`);
process.exit(counts.FAIL === 0 ? 0 : 1);
