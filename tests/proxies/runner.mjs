// Runs every case behind every proxy, each with a daemon and a proxy of its own: the first case
// alone, because it takes the time, then all others side by side.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Address } from '../clients/address.mjs';
import { Daemon } from '../clients/daemon.mjs';
import { Journal } from '../clients/journal.mjs';
import { openEventSource } from './browser.mjs';
import { cases } from './cases.mjs';
import { kKinds, makeCertificate, Proxy } from './proxy.mjs';

const kRunSecondsMax = 150;
const kColumnsMax = 200;  // Of a failure's lines.

const [crier, option] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'crier-proxies-'));
const addresses = new Address();
const counts = { ok: 0, FAIL: 0 };

async function runCase(oneCase, name) {
  const daemon = new Daemon(crier, directory, addresses.next(), oneCase.settings);
  const proxy = new Proxy(name, directory, addresses.next(), daemon.address);
  const journals = [];
  const closers = [];
  const cleanups = [];
  const leave = () => closers.splice(0).forEach((close) => close());
  const context = {
    daemon,
    proxy,
    leave,
    atEnd: (cleanup) => cleanups.push(cleanup),
    subscribe: (version, path) => {
      const journal = new Journal();
      journals.push(journal);
      closers.push(openEventSource(version, proxy.url(path), proxy, journal.add));
      return journal;
    },
  };
  try {
    await daemon.start();
    await proxy.start();
    await oneCase.run(context);
    return null;
  } catch (error) {
    const told = journals.map((journal) => journal.tail());
    return [error.stack, ...told, proxy.outputTail(), daemon.outputTail()].join('\n').split('\n')
      .map((line) => `    ${line.slice(0, kColumnsMax)}`).join('\n');
  } finally {
    leave();
    for (const cleanup of cleanups) await cleanup();
    proxy.kill();
    daemon.kill();
  }
}

async function runBehindAll(oneCase) {
  await Promise.all(Object.keys(kKinds).map(async (name) => {
    const began = Date.now();
    const failure = await runCase(oneCase, name);
    const verdict = failure === null ? 'ok' : 'FAIL';
    counts[verdict] += 1;
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    console.log(`${verdict} ${name}: ${oneCase.name} (${seconds} s)`);
    if (failure !== null) console.log(failure);
  }));
}

process.on('exit', () => {
  Proxy.killAll();
  Daemon.killAll();
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
setTimeout(() => {
  console.log(`FAIL the run took more than ${kRunSecondsMax} s`);
  process.exit(1);
}, kRunSecondsMax * 1000);

await makeCertificate(directory);
const [first, ...others] = cases.filter((one) => option === '--slow' || !one.slow);
await runBehindAll(first);
await Promise.all(others.map(runBehindAll));
console.log(`proxies: ${counts.ok} ok, ${counts.FAIL} failed`);
process.exit(counts.FAIL === 0 ? 0 : 1);
