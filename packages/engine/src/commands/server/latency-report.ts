/** What LATENCY GRAPH and DOCTOR say, for humans. */
import type { LatencyEvent, LatencyEvents, LatencySample } from '../../latency-events.js';

const graphColumns = 80;
const graphRows = 4;

const worstOf = (samples: readonly LatencySample[]): number => Math.max(...samples.map(({ ms }) => ms));
const leastOf = (samples: readonly LatencySample[]): number => Math.min(...samples.map(({ ms }) => ms));

/** `12s`, `3m`, `5h`, `2d`. */
function ageOf(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Bars from the oldest sample to the newest, and under each its age, read downwards. */
export function latencyGraph(name: string, event: LatencyEvent, nowSeconds: number): string {
  const samples = event.samples.slice(-graphColumns);
  const [high, low] = [worstOf(samples), leastOf(samples)];
  const lines = [
    `${name} - high ${high} ms, low ${low} ms (all time high ${event.worstMs} ms)`,
    '-'.repeat(graphColumns),
  ];
  const span = Math.max(1, high - low);
  const heights = samples.map(({ ms }) => ((ms - low) / span) * (graphRows - 1));
  for (let row = graphRows - 1; row >= 0; row--) {
    lines.push(heights.map((height) => (height >= row ? (height < row + 1 ? '_' : '#') : ' ')).join(''));
  }
  const ages = samples.map(({ seconds }) => ageOf(Math.max(0, nowSeconds - seconds)));
  lines.push('');
  for (let row = 0; row < Math.max(...ages.map(({ length }) => length)); row++) {
    lines.push(ages.map((age) => age[row] ?? ' ').join(''));
  }
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

export function latencyReport(latency: LatencyEvents): string {
  const events = [...latency.all()];
  if (latency.thresholdMs === 0 && events.length === 0) {
    return 'Latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n';
  }
  if (events.length === 0) return 'No latency spike was seen while latency monitoring was on.\n';
  const lines = events.map(([name, { samples, worstMs }], index) => {
    const mean = samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length;
    return `${index + 1}. ${name}: ${samples.length} latency spikes (average ${mean.toFixed(0)}ms). Worst all time event ${worstMs}ms.`;
  });
  return `Latency spikes, by event:\n\n${lines.join('\n')}\n\nSLOWLOG GET shows which commands are slow.\n`;
}
