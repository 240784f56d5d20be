// Runs every case with the dashboard, each in a browser context of its own, at the same time.

import { chromium } from '../clients/node_modules/playwright-core/index.mjs';
import { Address } from '../clients/address.mjs';
import { Daemon } from '../clients/daemon.mjs';
import { beginRun, endRun, failureOf, judge } from '../clients/verdicts.mjs';
import { cases } from './cases.mjs';
import { Page } from './page.mjs';
import { drawsReport } from './report.mjs';

const kRunSecondsMax = 90;
const kFlags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

const crier = process.argv[2];
const directory = beginRun('dashboard', kRunSecondsMax, () => Daemon.killAll());
const addresses = new Address();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: kFlags });

async function runCase({ run, settings, look }) {
  const daemon = new Daemon(crier, directory, addresses.next(),
                            { 'admin.debug': true, ...settings });
  const context = await browser.newContext(look);
  try {
    await daemon.start();
    const page = await Page.of(context, `http://${daemon.address}:8081/`);
    await run(page, daemon);
    page.expectNoComplaint();
    return null;
  } catch (error) {
    return failureOf([error.stack, daemon.outputTail()]);
  } finally {
    await context.close();
    daemon.kill();
  }
}

await Promise.all(cases.map((oneCase) => judge(oneCase.name, () => runCase(oneCase))));
await judge('a report of crier bench draws its plots and loads nothing', () =>
  drawsReport(browser, crier, directory).then(() => null, (error) => failureOf([error.stack])));
await browser.close();
endRun('dashboard');
