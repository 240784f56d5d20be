// The page of `crier bench --html`, opened from its file.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Page } from './page.mjs';

export async function drawsReport(browser, crier, directory) {
  const file = join(directory, 'report.html');
  const report = JSON.parse(execFileSync(crier, [
    'bench', '--streams', '50', '--rate', '50', '--seconds', '2', '--json', '--html', file,
  ], { encoding: 'utf8' }));
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  try {
    const page = await Page.of(context, pathToFileURL(file).href);
    const loaded = [];
    await context.route('**', (route) => {
      loaded.push(route.request().url());
      return route.continue();
    });
    await page.open();
    await page.until('#verdict', (text) => text.startsWith('Every stream got every event'));
    assert.deepEqual(loaded.filter((url) => !url.startsWith('file:')), []);
    const drawn = await page.evaluate(() => ({
      plots: [...document.querySelectorAll('figure h2')].map((title) => title.textContent),
      lines: [...document.querySelectorAll('svg path')].map((path) => path.dataset.name),
      broken: document.querySelectorAll('[d*=NaN], [y*=NaN], [x*=NaN], [height*=NaN]').length,
      cells: document.querySelectorAll('.cell').length,
      figures: document.querySelector('#figures').innerText,
      done: document.body.dataset.drawn,
    }));
    assert.equal(drawn.done, 'yes');
    assert.equal(drawn.broken, 0);
    assert.equal(drawn.lines.join(), 'deliveries,p50,p90,p99,p99.9,max,events,busy,resident');
    assert.ok(drawn.plots.includes('Latency, heat map'), drawn.plots.join());
    const filled = report.slices.flatMap(({ heat }) => heat.filter((count) => count > 0));
    assert.equal(drawn.cells, filled.length);
    const { requests } = report.publisher;
    assert.match(drawn.figures, new RegExp(`Requests a connection\\s+${requests}\\b`));
    await page.expectAccessible();
    page.expectNoComplaint();
  } finally {
    await context.close();
  }
}
