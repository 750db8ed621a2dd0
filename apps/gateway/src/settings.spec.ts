import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings, rules, settingsOfProcess } from './settings.js';

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-settings-'));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function configFile(...lines: string[]): string {
  const path = join(directory, 'holdfast.conf');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

describe('readSettings', () => {
  it('has a default for everything', () => {
    expect(readSettings([], {})).toEqual({
      mode: 'local',
      readMode: 'linearizable',
      etcd: {
        endpoints: ['127.0.0.1:2379'],
        prefix: 'holdfast/',
        quotaBytes: 2147483648,
        versionPolicy: 'warn',
      },
      host: '127.0.0.1',
      redisPort: 6379,
      grpcPort: 7379,
      httpPort: 8379,
      adminPort: -1,
      unixSocket: '',
      storage: 'memory',
      log: 'none',
      fsync: 'everysec',
      directory: 'data',
      logLevel: 'info',
      configFile: '',
      users: [],
      parameters: new Map(),
    });
  });

  it('takes flags before variables before the file', () => {
    const config = configFile('redis-port 1', 'grpc-port 1', 'http-port 1', 'timeout 5');
    const variables = {
      HOLDFAST_CONFIG: config,
      HOLDFAST_REDIS_PORT: '2',
      HOLDFAST_GRPC_PORT: '2',
      PATH: '/',
    };
    const settings = readSettings(['--redis-port', '3', '--maxclients=7'], variables);
    expect(settings).toMatchObject({ redisPort: 3, grpcPort: 2, httpPort: 1 });
    expect([...settings.parameters]).toEqual([
      ['timeout', '5'],
      ['maxclients', '7'],
    ]);
  });

  it('reads files with comments, quotes, blank lines and any case', () => {
    const config = configFile('# a comment', '', '  Storage   level  ', 'dir "with space"', 'requirepass ""');
    expect(readSettings(['--config', config], {})).toMatchObject({
      storage: 'level',
      directory: 'with space',
      parameters: new Map([['requirepass', '']]),
    });
  });

  it('adds up the lines of parameters that Redis writes on several', () => {
    const config = configFile(
      'client-output-buffer-limit normal 0 0 0',
      'client-output-buffer-limit pubsub 32mb 8mb 60',
      'timeout 1',
      'timeout 2',
    );
    expect([...readSettings(['--config', config], {}).parameters]).toEqual([
      ['client-output-buffer-limit', 'normal 0 0 0 pubsub 32mb 8mb 60'],
      ['timeout', '2'],
    ]);
  });

  it('keeps the users of a file apart from parameters', () => {
    const config = configFile('user alice on >secret ~a:* +get', 'user bob off', 'timeout 1');
    const settings = readSettings(['--config', config], {});
    expect(settings.users).toEqual(['alice on >secret ~a:* +get', 'bob off']);
    expect([...settings.parameters]).toEqual([['timeout', '1']]);
  });

  it("understands Redis' names of its own settings", () => {
    const flags = ['--port', '7000', '--bind', '0.0.0.0', '--unixsocket', '/s', '--appendonly', 'yes'];
    expect(readSettings([...flags, '--appendfsync', 'always'], {})).toMatchObject({
      redisPort: 7000,
      host: '0.0.0.0',
      unixSocket: '/s',
      log: 'file',
      fsync: 'always',
      parameters: new Map(),
    });
    expect(readSettings(['--port', '0'], {}).redisPort).toBe(-1);
  });

  it.each([
    [['--nope', '1'], "there is no setting 'nope' (a flag); --help lists them"],
    [['--toString', '1'], "there is no setting 'toString' (a flag); --help lists them"],
    [['redis-port', '1'], "expected --setting, found 'redis-port'; --help lists them"],
    [['--redis-port'], '--redis-port needs a value'],
    [['--redis-port', '65536'], "redis-port is '65536': it must be a port from 0 to 65535, or -1 for none"],
    [['--redis-port', ''], "redis-port is '': it must be a port from 0 to 65535, or -1 for none"],
    [['--storage', 'tape'], "storage is 'tape': it must be one of memory, level"],
    [['--appendonly', 'maybe'], "log is 'maybe': it must be one of none, file"],
    [['--maxclients', 'many'], "maxclients is 'many': argument couldn't be parsed into an integer"],
    [['--config', '/no/such/file'], "the config file can't be read: ENOENT"],
  ])('refuses %j', (flags, message) => {
    expect(() => readSettings(flags, {})).toThrow(message);
  });

  it('says where a wrong name stands', () => {
    expect(() => readSettings([], { HOLDFAST_PROT: '1' })).toThrow(
      "there is no setting 'prot' (HOLDFAST_PROT)",
    );
    const config = configFile('timeout 1', 'tiemout 2');
    expect(() => readSettings(['--config', config], {})).toThrow(`no setting 'tiemout' (${config}, line 2)`);
  });
});

it('explains every setting', () => {
  for (const name of Object.keys(rules)) expect(settingsOfProcess.usage).toContain(`--${name} `);
});
