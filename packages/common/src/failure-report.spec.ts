import { beforeEach, describe, expect, it } from 'vitest';
import { KvError } from './errors.js';
import { FailureReport } from './failure-report.js';
import { SimulatedEnv } from './testing/index.js';

let env: SimulatedEnv;
let told: string[];
let report: FailureReport;

beforeEach(() => {
  env = new SimulatedEnv();
  told = [];
  const tell = (text: string): void => void told.push(`${text} at ${env.clock.monotonic() / 1000}`);
  report = new FailureReport({
    env,
    onFailure: (error, count) => tell(`${(error as Error).message} x${count}`),
    onRecovery: (count) => tell(`well after ${count}`),
  });
});

function failFor(seconds: number, error: Error = new KvError('UNAVAILABLE', 'no etcd')): void {
  for (let i = 0; i < seconds * 2; i++) {
    report.failed(error);
    env.advance(500);
  }
}

describe('FailureReport', () => {
  it('tells of what fails twice a second at growing intervals, and once when it is well again', () => {
    failFor(180);
    env.advance(100_000);
    expect(told).toEqual([
      'no etcd x1 at 0',
      'no etcd x2 at 1',
      'no etcd x4 at 3',
      'no etcd x8 at 7',
      'no etcd x16 at 15',
      'no etcd x32 at 31',
      'no etcd x64 at 63',
      'no etcd x120 at 123',
      'well after 360 at 239.5',
    ]);
  });

  it('tells of what fails for another reason at once', () => {
    failFor(3);
    failFor(1, new KvError('DISK', 'the disk is full'));
    failFor(1);
    expect(told).toEqual([
      'no etcd x1 at 0',
      'no etcd x2 at 1',
      'the disk is full x1 at 3',
      'no etcd x4 at 4',
    ]);
  });

  it('begins anew once it was well', () => {
    failFor(10);
    env.advance(60_000);
    failFor(1);
    expect(told.slice(-2)).toEqual(['well after 20 at 69.5', 'no etcd x1 at 70']);
  });

  it('takes what fails every few seconds for one failure', () => {
    for (let i = 0; i < 40; i++) {
      report.failed(new Error('again'));
      env.advance(20_000);
    }
    expect(told.filter((each) => each.startsWith('well'))).toEqual([]);
    env.advance(60_000);
    expect(told.at(-1)).toBe('well after 40 at 840');
  });
});
