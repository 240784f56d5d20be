// A real nginx, HAProxy or Caddy that runs the file of deploy/proxies. Of that file only addresses,
// paths and how long a reload leaves old streams alone are changed.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export const kReloadSeconds = 2;  // After which nginx and HAProxy cut streams of before.

const kName = 'events.example.com';
const kPort = 8443;  // Anybody may bind it.
const kStartSecondsMax = 20;
const kStopSecondsMax = 10;
const kSource = new URL('../../deploy/proxies/', import.meta.url);
const kIsRoot = process.getuid() === 0;

const run = promisify(execFile);

const kSiteOfNginx = 'nginx-site.conf';
const kAuthOfNginx = 'nginx-auth.conf';
const kTemporaryOfNginx = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export const kKinds = {
  nginx: {
    file: 'nginx.conf',
    edits: ({ directory }) => [
      ['/etc/nginx/sites-enabled/*', `${directory}/${kSiteOfNginx}`],
      ['/run/nginx.pid', `${directory}/pid`],
      [/\/var\/log\/nginx\//g, `${directory}/`],
      ['worker_shutdown_timeout 10m', `worker_shutdown_timeout ${kReloadSeconds}s`],
      ['http {', ['http {', ...kTemporaryOfNginx.map(
        (name) => `${name}_temp_path ${directory}/${name};`)].join('\n')],
      ...(kIsRoot ? [] : [['user www-data;', '']]),
    ],
    included: [{
      file: kSiteOfNginx,
      edits: ({ directory, address, crier, application }) => [
        ['server 127.0.0.1:8080;', `server ${crier}:8080;`],
        ['listen 443 ', `listen ${address}:${kPort} `],
        [/^ *listen \[::\].*\n/m, ''],
        [/\/etc\/nginx\/crier\.(?=pem|key)/g, `${directory}/../crier.`],
        ...(application ? [['# include /etc/nginx/crier-auth.conf;',
                            `include ${directory}/${kAuthOfNginx};`]] : []),
      ],
    }, {
      file: kAuthOfNginx,
      edits: ({ application }) =>
        (application ? [['//127.0.0.1:9000/', `//${application}:9000/`]] : []),
    }],
    asksApplication: true,
    start: (file) => ['nginx', '-e', 'stderr', '-c', file, '-g', 'daemon off;'],
    reload: (file) => run('nginx', ['-e', 'stderr', '-c', file, '-s', 'reload']),
    cutsOnReload: true,
  },
  haproxy: {
    file: 'haproxy.cfg',
    edits: ({ directory, address, crier }) => [
      ['server crier 127.0.0.1:8080 ', `server crier ${crier}:8080 `],
      ['bind :::443 v4v6 ', `bind ${address}:${kPort} `],
      ['log /dev/log local0', 'log stdout format raw local0'],
      ['/etc/haproxy/crier.pem', `${directory}/../both.pem`],
      ['hard-stop-after 10m', `hard-stop-after ${kReloadSeconds}s`],
      ...(kIsRoot ? [] : [[/^ *(user|group|chroot) .*\n/mg, '']]),
    ],
    start: (file) => ['haproxy', '-W', '-f', file],
    reload: (file, child) => child.kill('SIGUSR2'),  // As Debian's unit does.
    cutsOnReload: true,
    checksHealth: true,
  },
  caddy: {
    file: 'Caddyfile',
    edits: ({ directory, address, crier }) => [
      ['reverse_proxy 127.0.0.1:8080 ', `reverse_proxy ${crier}:8080 `],
      [`https://${kName} {`, `https://${kName}:${kPort} {\n\tbind ${address}`],
      ['localhost:2019', `${address}:2019`],
      [/\/etc\/caddy\/crier\./g, `${directory}/../crier.`],
    ],
    start: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
    reload: (file, child, address) => run('caddy', [
      'reload', '--force', '--adapter', 'caddyfile', '--config', file,
      '--address', `${address}:2019`]),
    cutsOnReload: false,
    checksHealth: true,
  },
};

// What a comment of haproxy.cfg offers instead of the header.
export const kByProxyProtocol = 'haproxy by send-proxy-v2';
kKinds[kByProxyProtocol] = {
  ...kKinds.haproxy,
  edits: (context) => [
    ...kKinds.haproxy.edits(context),
    [/^ *http-request set-header X-Forwarded-For .*\n/m, ''],
    [/^( *server crier .*)$/m, '$1 send-proxy-v2'],
  ],
};

// Everything must be found: a file that has changed is not to be tested with half of it replaced.
function writeEdited({ file, edits }, context) {
  let text = readFileSync(new URL(file, kSource), 'utf8');
  for (const [before, after] of edits(context)) {
    const changed = text.replace(before, after);
    if (changed === text) throw new Error(`${file} has no ${before}`);
    text = changed;
  }
  const written = join(context.directory, file);
  writeFileSync(written, text);
  return written;
}

// The certificate for all of them.
export async function makeCertificate(directory) {
  const [certificate, key] = [join(directory, 'crier.pem'), join(directory, 'crier.key')];
  await run('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', `/CN=${kName}`, '-addext', `subjectAltName=DNS:${kName}`,
    '-keyout', key, '-out', certificate]);
  writeFileSync(join(directory, 'both.pem'), readFileSync(certificate) + readFileSync(key));
}

export class Proxy {
  static #running = new Set();

  #kind;
  #file;
  #directory;
  #certificate;
  #output = '';
  #child = null;

  // `crier` is the daemon's address, `application` that of who decides who may subscribe, or null.
  constructor(name, directory, address, crier, application) {
    this.name = name;
    this.address = address;
    this.#kind = kKinds[name];
    this.#directory = join(directory, `${name.replaceAll(' ', '-')}-${address}`);
    this.#certificate = join(directory, 'crier.pem');
    mkdirSync(this.#directory, { mode: 0o755 });
    const context = { directory: this.#directory, address, crier, application };
    this.#file = writeEdited(this.#kind, context);
    for (const part of this.#kind.included ?? []) writeEdited(part, context);
  }

  get cutsOnReload() { return this.#kind.cutsOnReload; }
  get checksHealth() { return this.#kind.checksHealth; }
  get ca() { return readFileSync(this.#certificate); }

  url(path) {
    return `https://${kName}:${kPort}${path}`;
  }

  // Returns when it passes requests on.
  async start() {
    const [program, ...options] = this.#kind.start(this.#file);
    const home = this.#directory;
    this.#child = spawn(program, options, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,  // A group of its own, to end its workers with it.
      env: { PATH: process.env.PATH, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
    });
    Proxy.#running.add(this.#child);
    const keep = (bytes) => { this.#output = (this.#output + bytes).slice(-4000); };
    this.#child.stdout.on('data', keep);
    this.#child.stderr.on('data', keep);
    const deadline = Date.now() + kStartSecondsMax * 1000;
    for (;;) {
      if ((await this.curl('/healthz', '--max-time', '1')).body === 'ok\n') return;
      if (this.#child.exitCode !== null) throw new Error(`${this.name} ended at its start`);
      if (Date.now() > deadline) throw new Error(`${this.name} did not start`);
      await sleep(50);
    }
  }

  async reload() {
    await this.#kind.reload(this.#file, this.#child, this.address);
  }

  // Ends it at once, streams and all.
  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = await Promise.race([ended, sleep(kStopSecondsMax * 1000, ['no exit'])]);
    this.kill();
    if (code === 'no exit') throw new Error(`${this.name} did not end after SIGTERM`);
  }

  kill() {
    if (this.#child) Proxy.#killGroup(this.#child);
  }

  static #killGroup(child) {
    Proxy.#running.delete(child);
    try { process.kill(-child.pid, 'SIGKILL'); } catch { /* It has ended already. */ }
  }

  static killAll() {
    for (const child of Proxy.#running) Proxy.#killGroup(child);
  }

  // Asks by curl. Gives {version, status, head, body}; of a stream, what came within a second.
  async curl(path, ...options) {
    const all = ['-si', '-N', '--max-time', '1', '--cacert', this.#certificate,
                 '--resolve', `${kName}:${kPort}:${this.address}`, ...options, this.url(path)];
    const { stdout } = await run('curl', all).catch((error) => error);
    const [head, ...rest] = stdout.split('\r\n\r\n');
    const [version, status] = head.split(' ', 2);
    return { version, status: Number(status), head: head.toLowerCase(), body: rest.join('') };
  }

  outputTail() {
    return `${this.name}'s last output:\n${this.#output}`;
  }
}
