// Runs every case with every client: the clients of a case side by side, each with a daemon of its
// own, so that a run takes as long as its slowest client waits for its reconnects.

import { cases } from './cases.mjs';
import { Address } from './address.mjs';
import { Daemon } from './daemon.mjs';
import { exampleResumes } from './example.mjs';
import { Journal } from './journal.mjs';
import openBrowser from './subscribers/chromium.mjs';
import curl from './subscribers/curl.mjs';
import nodeClients from './subscribers/node.mjs';
import { subscriberVerifies } from './verify.mjs';
import { beginRun, endRun, failureOf, judge } from './verdicts.mjs';

const kRunSecondsMax = 175;

const crier = process.argv[2];
const directory = beginRun('clients', kRunSecondsMax, () => Daemon.killAll());
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
    return failureOf([error.message, journal.tail(), daemon.outputTail()]);
  } finally {
    for (const cleanup of cleanups) await cleanup();
    daemon.kill();
  }
}

async function runAll(subscribers, origins) {
  for (const oneCase of cases) {
    const fitting = subscribers.filter((one) => !oneCase.only || oneCase.only(one));
    await Promise.all(fitting.map((subscriber) => judge(
      `${subscriber.name}: ${oneCase.name}`, () => runCase(oneCase, subscriber, origins))));
  }
}

const browser = await openBrowser(directory, addresses.next());
await judge('deploy/examples/page.html: handles gaps, resumes after a reload',
            () => exampleResumes(crier, directory, addresses));
await judge('crier subscribe --verify: notices a damaged event and a missing checksum',
            () => subscriberVerifies(crier, directory, addresses));
await runAll([curl, ...nodeClients, ...browser.subscribers], [browser.origin]);
endRun('clients');
