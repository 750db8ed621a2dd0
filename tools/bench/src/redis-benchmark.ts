/** Runs Debian's redis-benchmark and reads what it says. */
import { execFile, execFileSync } from 'node:child_process';

export interface Load {
  readonly title: string;
  readonly requests: number;
  readonly clients: number;
  readonly pipeline: number;
  /** `-t` of redis-benchmark, or a whole command of its own. */
  readonly test: string | readonly string[];
  readonly keys: number;
  readonly valueBytes: number;
}

/** Requests per second. Keys are `key:` and 12 digits: 16 bytes. */
export async function measure(port: number, load: Load): Promise<number> {
  const args = [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-n',
    String(load.requests),
    '-c',
    String(load.clients),
  ];
  args.push('-P', String(load.pipeline), '-r', String(load.keys), '-d', String(load.valueBytes), '--csv');
  if (typeof load.test === 'string') args.push('-t', load.test);
  else args.push(...load.test);
  const output = await new Promise<string>((resolve, reject) => {
    execFile('redis-benchmark', args, { timeout: 300_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`redis-benchmark ${args.join(' ')}: ${error.message} ${stderr}`));
      else resolve(stdout);
    });
  });
  const rates = [...output.matchAll(/^"[^"]*","([0-9.]+)"/gm)].map((match) => Number(match[1]));
  const rate = rates.at(-1);
  if (rate === undefined) throw new Error(`redis-benchmark said nothing readable: ${output}`);
  return rate;
}

/** Runs one command, before something is measured; what it replied. */
export function prepare(port: number, ...command: string[]): string {
  return execFileSync('redis-cli', ['-h', '127.0.0.1', '-p', String(port), '-e', ...command], {
    encoding: 'utf8',
  }).trim();
}
