// Runs every case behind every proxy, each with a daemon and a proxy of its own: the first case
// alone, because it takes the time, then all others side by side.

import { Address } from '../clients/address.mjs';
import { Daemon } from '../clients/daemon.mjs';
import { Journal } from '../clients/journal.mjs';
import { beginRun, endRun, failureOf, judge } from '../clients/verdicts.mjs';
import { Application } from './application.mjs';
import { openEventSource } from './browser.mjs';
import { cases } from './cases.mjs';
import { kByProxyProtocol, kKinds, makeCertificate, Proxy } from './proxy.mjs';

const kRunSecondsMax = 150;

const [crier, option] = process.argv.slice(2);
const directory = beginRun('proxies', kRunSecondsMax, () => {
  Proxy.killAll();
  Application.killAll();
  Daemon.killAll();
});
const addresses = new Address();

async function runCase(oneCase, name) {
  const more = name === kByProxyProtocol ? { 'http.proxy_protocol': 'optional' } : {};
  const settings = { ...oneCase.settings, ...more };
  const daemon = new Daemon(crier, directory, addresses.next(), settings);
  const application = oneCase.asksApplication ? new Application(addresses.next()) : null;
  const proxy = new Proxy(name, directory, addresses.next(), daemon.address, application?.address);
  const journals = [];
  const closers = [];
  const cleanups = [];
  const leave = () => closers.splice(0).forEach((close) => close());
  const context = {
    daemon,
    proxy,
    application,
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
    application?.start();
    await proxy.start();
    await oneCase.run(context);
    return null;
  } catch (error) {
    const told = journals.map((journal) => journal.tail());
    return failureOf([error.stack, ...told, proxy.outputTail(), daemon.outputTail()]);
  } finally {
    leave();
    for (const cleanup of cleanups) await cleanup();
    proxy.kill();
    application?.kill();
    daemon.kill();
  }
}

async function runBehindAll(oneCase) {
  const names = Object.keys(kKinds).filter(
    (name) => (kKinds[name].asksApplication || !oneCase.asksApplication) &&
      (name !== kByProxyProtocol || oneCase.tellsClientsApart));
  await Promise.all(names.map(
    (name) => judge(`${name}: ${oneCase.name}`, () => runCase(oneCase, name))));
}

await makeCertificate(directory);
const [first, ...others] = cases.filter((one) => option === '--slow' || !one.slow);
await runBehindAll(first);
await Promise.all(others.map(runBehindAll));
endRun('proxies');
