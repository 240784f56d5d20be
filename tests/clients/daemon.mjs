// One `crier serve` with a publish socket of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const kStartSecondsMax = 20;  // A build with sanitizers, beside a dozen others on two cores.
const kStopSecondsMax = 20;

export class Daemon {
  static #running = new Set();

  #output = '';
  #process = null;

  // `settings`: further values of --set, by key.
  constructor(program, directory, address, settings) {
    this.program = program;
    this.address = address;
    this.socket = join(directory, `${address}.sock`);
    this.settings = {
      'http.listen': `${address}:8080`,
      'admin.listen': `${address}:8081`,
      'publish.socket': this.socket,
      'workers.count': 2,
      ...settings,
    };
  }

  url(path) {
    return `http://${this.address}:8080${path}`;
  }

  // Returns when subscribers are served.
  async start() {
    const settings = Object.entries(this.settings);
    const options = settings.flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    this.#process = spawn(this.program, ['serve', ...options],
                          { stdio: ['ignore', 'pipe', 'pipe'] });
    Daemon.#running.add(this.#process);
    const keep = (bytes) => { this.#output = (this.#output + bytes).slice(-4000); };
    this.#process.stdout.on('data', keep);
    this.#process.stderr.on('data', keep);

    const deadline = Date.now() + kStartSecondsMax * 1000;
    for (;;) {
      if (await this.healthy()) return;
      if (this.#process.exitCode !== null) throw new Error('the daemon ended at its start');
      if (Date.now() > deadline) throw new Error('the daemon did not start');
      await sleep(50);
    }
  }

  healthy() {
    return fetch(this.url('/healthz')).then((answer) => answer.ok, () => false);
  }

  // How many are open.
  streams() {
    return this.metric('crier_stream_active_connections');
  }

  // How many requests were answered 204, because their topics are closed.
  answeredClosed() {
    return this.metric('crier_requests_refused_total{reason="closed"}');
  }

  // `name`: with its labels, if it has some.
  async metric(name) {
    const answer = await fetch(`http://${this.address}:8081/metrics`);
    const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line.slice(name.length));
  }

  // Drains. Throws unless the daemon ends by itself, with success.
  async stop() {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const [code] = await Promise.race([ended, sleep(kStopSecondsMax * 1000, ['no exit'])]);
    Daemon.#running.delete(this.#process);
    if (code !== 0) throw new Error(`the daemon ended with ${code} after SIGTERM`);
  }

  kill() {
    this.#process?.kill('SIGKILL');
    Daemon.#running.delete(this.#process);
  }

  static killAll() {
    for (const running of Daemon.#running) running.kill('SIGKILL');
  }

  // Returns the event's id.
  publish(topic, data, name) {
    const query = name ? `?event=${encodeURIComponent(name)}` : '';
    return this.#send('POST', `/topics/${topic}${query}`, data);
  }

  // Returns the closing event's id.
  close(topic, lastData) {
    return this.#send('DELETE', `/topics/${topic}`, lastData);
  }

  async #send(method, path, data) {
    const call = request({
      socketPath: this.socket, method, path,
      headers: { Host: 'x', 'Content-Length': Buffer.byteLength(data) },
    });
    call.end(data);
    const [answer] = await once(call, 'response');
    let body = '';
    for await (const piece of answer.setEncoding('utf8')) body += piece;
    if (answer.statusCode !== 202) throw new Error(`${method}: ${answer.statusCode} ${body}`);
    return JSON.parse(body).id;
  }

  outputTail() {
    return `daemon's last output:\n${this.#output}`;
  }
}
