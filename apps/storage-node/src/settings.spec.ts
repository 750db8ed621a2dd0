import { describe, expect, it } from 'vitest';
import { readSettings, settingsOfProcess } from './settings.js';

const node = ['--node', 'n1'];

describe('settings of a storage node', () => {
  it('are parameters of CONFIG GET too, as flags and as variables', () => {
    const variables = { HOLDFAST_MAXMEMORY: '1gb', HOLDFAST_MAXMEMORY_POLICY: 'allkeys-lru' };
    const { parameters } = readSettings(
      [...node, '--maxmemory', '2gb', '--hash-max-listpack-entries=9'],
      variables,
    );
    expect(Object.fromEntries(parameters)).toEqual({
      maxmemory: '2gb',
      'maxmemory-policy': 'allkeys-lru',
      'hash-max-listpack-entries': '9',
    });
  });

  it.each(
    `maxmemory-samples 7|lfu-log-factor 1|lfu-decay-time 0|active-expire-effort 2|slowlog-log-slower-than 5
    slowlog-max-len 9|latency-monitor-threshold 1|latency-tracking no|notify-keyspace-events KEA|maxclients 9|timeout 5
    busy-reply-threshold 100|lua-time-limit 100|proto-max-bulk-len 1mb|maxmemory-clients 10%`.split(
      /[|\n]\s*/,
    ),
  )('take %s', (line) => {
    const [name, value] = line.split(' ');
    expect(readSettings([...node, `--${name}`, value], {}).parameters.get(name)).toBe(value);
  });

  it.each([
    'requirepass x',
    'appendonly yes',
    'save 60:1',
    'min-replicas-to-write 1',
    'port 1',
    'databases 4',
    'user x',
  ])('do not take what is of a server that stands alone: %s', (line) => {
    const [name, value] = line.split(' ');
    expect(() => readSettings([...node, `--${name}`, value], {})).toThrow(`there is no setting '${name}'`);
  });

  it('are checked', () => {
    expect(() => readSettings([...node, '--maxmemory', 'plenty'], {})).toThrow(
      'argument must be a memory value',
    );
    expect(() => readSettings([...node, '--maxmemory-policy', 'lru'], {})).toThrow(
      "maxmemory-policy is 'lru'",
    );
  });

  it('are told of by --help', () => {
    expect(settingsOfProcess.usage).toMatch(/--maxmemory /);
  });
});
