// Chromium with one page from an origin of its own, in which the browser's EventSource and those of
// npm run. The page asks its server what to do and posts back what its EventSources report.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const kFlags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const kStartSecondsMax = 40;

const kFiles = {
  '/': ['subscribers/page.html', 'text/html; charset=utf-8'],
  '/page.mjs': ['subscribers/page.mjs', 'text/javascript'],
  '/watch.mjs': ['watch.mjs', 'text/javascript'],
  '/eventsource.js': ['node_modules/eventsource/dist/index.js', 'text/javascript'],
  '/eventsource-parser.js': ['node_modules/eventsource-parser/dist/index.js', 'text/javascript'],
  '/polyfill.js': ['node_modules/event-source-polyfill/src/eventsource.js', 'text/javascript'],
};

class Page {
  #commands = [];
  #asking = null;
  #reports = new Map();
  #count = 0;

  async answer(request, response) {
    if (request.url === '/commands') {
      this.#asking = response;
      this.#handOver();
    } else if (request.url === '/report') {
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      for (const { key, entry } of JSON.parse(body)) this.#reports.get(key)?.(entry);
      response.writeHead(204).end();
    } else if (kFiles[request.url]) {
      const [path, type] = kFiles[request.url];
      response.setHeader('Content-Type', type);
      response.end(readFileSync(new URL(`../${path}`, import.meta.url)));
    } else {
      response.writeHead(404).end();
    }
  }

  loaded() { return this.#asking !== null; }

  client(name, kind) {
    const subscribe = (url, report) => {
      this.#count += 1;
      const key = this.#count;
      this.#reports.set(key, report);
      this.#command({ key, kind, url });
      return () => {
        this.#reports.delete(key);
        this.#command({ key, kind: 'close' });
      };
    };
    return { name, subscribe, inPage: true };
  }

  #command(command) {
    this.#commands.push(command);
    this.#handOver();
  }

  #handOver() {
    if (this.#commands.length === 0 || !this.#asking || this.#asking.writableEnded) return;
    this.#asking.end(JSON.stringify(this.#commands.splice(0)));
  }
}

// Ends with this process.
export function startChromium(profile, url) {
  const browser = spawn('chromium', [...kFlags, `--user-data-dir=${profile}`, url],
                        { stdio: 'ignore', detached: true });
  process.prependListener('exit', () => {  // Before its directory is removed.
    try { process.kill(-browser.pid, 'SIGKILL'); } catch { /* It has ended already. */ }
  });
}

export default async function openBrowser(directory, address) {
  const page = new Page();
  const server = createServer((request, response) => page.answer(request, response));
  server.listen(8080, address);
  await once(server, 'listening');
  const origin = `http://${address}:8080`;
  startChromium(join(directory, 'profile'), origin);
  const deadline = Date.now() + kStartSecondsMax * 1000;
  while (!page.loaded()) {
    if (Date.now() > deadline) throw new Error('Chromium did not load the page');
    await sleep(50);
  }
  const subscribers = [
    page.client('Chromium', 'native'),
    page.client('eventsource in Chromium', 'eventsource'),
    page.client('event-source-polyfill in Chromium', 'polyfill'),
  ];
  return { origin, subscribers };
}
