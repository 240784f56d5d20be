// A run with real programs: a directory of its own, a line a case, an end in any case.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const kColumnsMax = 200;  // Of a failure's lines.

export const counts = { ok: 0, FAIL: 0 };

// The directory, which goes when the process does. `killAll`: what else must not stay behind.
export function beginRun(name, secondsMax, killAll) {
  const directory = mkdtempSync(join(tmpdir(), `crier-${name}-`));
  process.on('exit', () => {
    killAll();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  setTimeout(() => {
    console.log(`FAIL the run took more than ${secondsMax} s`);
    process.exit(1);
  }, secondsMax * 1000);
  return directory;
}

// Texts of a failure, as they are printed below its line.
export function failureOf(texts) {
  return texts.join('\n').split('\n').map((line) => `    ${line.slice(0, kColumnsMax)}`).join('\n');
}

// `run` resolves to a failure, or to null.
export async function judge(name, run) {
  const began = Date.now();
  const failure = await run();
  const verdict = failure === null ? 'ok' : 'FAIL';
  counts[verdict] += 1;
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${verdict} ${name} (${seconds} s)`);
  if (failure !== null) console.log(failure);
}

export function endRun(name) {
  console.log(`${name}: ${counts.ok} ok, ${counts.FAIL} failed`);
  process.exit(counts.FAIL === 0 ? 0 : 1);
}
