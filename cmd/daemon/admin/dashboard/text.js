// Figures as a person reads them, rounded as `crier status` rounds them.

const kWhole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const kTenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

// A number and its unit stay in one line.
function digits(value, unit) {
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)}${unit}`.replace(' ', '\u00a0');
}

function known(show) {
  return (value) => (typeof value === 'number' && Number.isFinite(value) ? show(value) : '–');
}

export const count = known((value) => kWhole.format(value));

// 950, 1.25k, 12.3M: for rates, which change each second.
export const short = known((value) => {
  if (value < 10) return value === 0 ? '0' : value.toFixed(1);
  if (value < 1000) return value.toFixed(0);
  const power = Math.min(4, Math.floor(Math.log10(value) / 3));
  return digits(value / 1000 ** power, ['', 'k', 'M', 'G', 'T'][power]);
});

export const bytes = known((value) => {
  if (value < 1024) return `${kWhole.format(value)}\u00a0B`;
  const power = Math.min(5, Math.floor(Math.log2(value) / 10));
  return digits(value / 1024 ** power, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB'][power]);
});

export const latency = known((seconds) => {
  if (seconds === 0) return '0';
  if (seconds >= 1) return digits(seconds, ' s');
  return seconds >= 0.001 ? digits(seconds * 1e3, ' ms') : digits(seconds * 1e6, ' µs');
});

// Of nanoseconds: 1,234 µs, and 12.3 µs where that says more; without the unit.
export const microsAlone = known((ns) => (ns >= 99_950 ? kWhole : kTenths).format(ns / 1000));
export const micros = known((ns) => `${microsAlone(ns)}\u00a0µs`);

export const duration = known((seconds) => {
  const whole = Math.floor(seconds);
  const parts = [whole / 86_400, whole / 3600 % 24, whole / 60 % 60];
  const [days, hours, minutes] = parts.map(Math.floor);
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${whole % 60}s` : `${whole}s`;
});

export const percent = known((share) => `${(share * 100).toFixed(0)} %`);

export function clock(unixSeconds) {
  return new Date(unixSeconds * 1000).toLocaleTimeString();
}

// "overflow 3, evicted 2", the largest first; or the only reason.
export function reasons(map) {
  const sorted = Object.entries(map).sort((a, b) => b[1] - a[1]);
  if (sorted.length === 1) return sorted[0][0];
  return sorted.map(([reason, number]) => `${reason} ${count(number)}`).join(', ');
}
