import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commonRules, readSettings, usage } from './settings.js';

const rules = {
  host: { initial: '127.0.0.1', help: 'address to listen on' },
  'grpc-port': { initial: '7380', help: 'gRPC', isPort: true },
  'hold-ms': { initial: '3000', help: 'a time', least: 100 },
  ...commonRules,
};

function messageOf(argv: string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    readSettings(rules, argv, environment);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('readSettings', () => {
  it('takes flags before variables before the file before defaults', () => {
    const directory = mkdtempSync(join(tmpdir(), 'settings-'));
    const path = join(directory, 'service.conf');
    writeFileSync(path, '# a comment\nhost "::\\x31"\ngrpc-port 1\nhold-ms \'1000\'\n');
    const setting = readSettings(rules, ['--config', path, '--grpc-port=3'], {
      HOLDFAST_GRPC_PORT: '2',
      HOLDFAST_HOLD_MS: '2000',
      PATH: '/bin',
    });
    expect(['host', 'grpc-port', 'hold-ms', 'log-level'].map(setting)).toEqual(['::1', '3', '2000', 'info']);
    writeFileSync(path, 'hots ::1\n');
    expect(messageOf(['--config', path])).toContain(`there is no setting 'hots' (${path}, line 1)`);
    rmSync(directory, { recursive: true });
  });

  it('refuses what is not known, and values that make no sense', () => {
    expect(messageOf(['--gprc-port', '1'])).toContain("there is no setting 'gprc-port'");
    expect(messageOf(['grpc-port'])).toContain('expected --setting');
    expect(messageOf(['--grpc-port'])).toBe('--grpc-port needs a value');
    expect(messageOf(['--grpc-port', '70000'])).toContain('it must be a port');
    expect(messageOf(['--hold-ms', '99'])).toContain('100 or more');
    expect(messageOf(['--log-level', 'loud'])).toContain('it must be one of fatal');
    expect(messageOf([], { HOLDFAST_TOSTRING: '1' })).toContain('there is no setting');
    expect(messageOf(['--config', '/nowhere'])).toContain("the config file can't be read");
  });

  it('passes over what Kubernetes tells of a service with our name, by which no process started', () => {
    const setting = readSettings(rules, [], {
      HOLDFAST_GRPC_PORT: '2',
      HOLDFAST_SERVICE_HOST: '10.0.0.1',
      HOLDFAST_SERVICE_PORT: '6379',
      HOLDFAST_SERVICE_PORT_REDIS: '6379',
      HOLDFAST_PORT: 'tcp://10.0.0.1:6379',
      HOLDFAST_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
      HOLDFAST_PORT_6379_TCP_PROTO: 'tcp',
      HOLDFAST_PORT_6379_TCP_PORT: '6379',
      HOLDFAST_PORT_6379_TCP_ADDR: '10.0.0.1',
    });
    expect(setting('grpc-port')).toBe('2');
    // Of a service `holdfast-grpc`.
    expect(readSettings(rules, [], { HOLDFAST_GRPC_PORT: 'tcp://10.0.0.1:7379' })('grpc-port')).toBe('7380');
    expect(messageOf([], { HOLDFAST_GRPC_PORT: '10.0.0.1:7379' })).toContain('it must be a port');
  });

  it('is told by usage', () => {
    expect(usage('program', rules)).toContain('--grpc-port  gRPC; default 7380');
  });
});
