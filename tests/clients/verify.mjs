// `crier subscribe --verify` against a daemon that sends checksums, behind a relay that may damage
// them, and against one that sends none.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { Daemon } from './daemon.mjs';
import { failureOf } from './verdicts.mjs';

// Every connection's bytes to the client go through `damage`.
async function startRelay(address, target, damage) {
  const relay = createServer((client) => {
    const server = connect(8080, target);
    client.pipe(server);
    server.on('data', (bytes) => client.write(damage(bytes)));
    client.on('error', () => {}).on('close', () => server.destroy());
    server.on('error', () => {}).on('close', () => client.end());
  });
  relay.listen(8080, address);
  await once(relay, 'listening');
  return relay;
}

async function verify(crier, address) {
  const url = `http://${address}:8080`;
  const options = ['--verify', '--from', 'earliest', '--count', '2', '--url', url];
  const command = spawn(crier, ['subscribe', ...options, 'news'],
                        { stdio: ['ignore', 'pipe', 'pipe'], timeout: 15_000 });
  const [out, err, [code]] =
    await Promise.all([text(command.stdout), text(command.stderr), once(command, 'exit')]);
  return { code, out, err };
}

export async function subscriberVerifies(crier, directory, addresses) {
  const sums = new Daemon(crier, directory, addresses.next(), { 'frames.checksum': 'crc32c' });
  const plain = new Daemon(crier, directory, addresses.next(), {});
  const relays = [];
  const through = async (damage) => {
    const address = addresses.next();
    relays.push(await startRelay(address, sums.address, damage));
    return verify(crier, address);
  };
  try {
    for (const daemon of [sums, plain]) {
      await daemon.start();
      for (const data of ['first', 'second']) await daemon.publish('news', data);
    }
    assert.deepEqual(await through((bytes) => bytes), { code: 0, out: 'first\nsecond\n', err: '' });

    const damaged = await through((bytes) => {
      const at = bytes.indexOf('second');
      if (at >= 0) bytes[at] ^= 1;
      return bytes;
    });
    assert.equal(damaged.code, 1);
    assert.equal(damaged.out, 'first\n');
    assert.match(damaged.err, /^crier subscribe: the event \S+-2 is damaged: /);

    const without = await verify(crier, plain.address);
    assert.equal(without.code, 1);
    assert.equal(without.out, '');
    assert.match(without.err, /^crier subscribe: the event \S+-1 has no checksum: /);
    return null;
  } catch (error) {
    return failureOf([error.message, sums.outputTail()]);
  } finally {
    for (const relay of relays) relay.close();
    for (const daemon of [sums, plain]) daemon.kill();
  }
}
