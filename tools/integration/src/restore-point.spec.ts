/**
 * A backup and what was written behind it, up to a version: the restored server must have the state of exactly that
 * moment, by DEBUG DIGEST, whatever was written before, after, and while the server was down in between.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { kvctl } from '@holdfast/kvctl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GatewaySettings, redisAddress, type ServerProcess, spawnGateway } from './server.js';
import { WireClient } from './wire-client.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

async function succeeds(...argv: string[]): Promise<string> {
  const { code, error, out } = await kvctl(...argv);
  expect(code, error).toBe(0);
  return out;
}

/** A state that is to be come back to. */
interface Moment {
  readonly version: number;
  readonly digest: string;
}

class Server {
  readonly process: ServerProcess;
  readonly client: WireClient;
  readonly admin: string;

  static async start(settings: GatewaySettings): Promise<Server> {
    const process = spawnGateway({ 'enable-debug-command': 'yes', 'admin-port': '0', ...settings });
    const client = await WireClient.connect(await redisAddress(process));
    const { admin } = JSON.parse(await process.readyLine()) as { admin: string };
    return new Server(process, client, admin);
  }

  private constructor(process: ServerProcess, client: WireClient, admin: string) {
    this.process = process;
    this.client = client;
    this.admin = admin;
  }

  /** Databases are not swapped during a backup, which that would end. */
  async write(random: Random, count: number, swaps = true): Promise<void> {
    const requests: string[][] = [];
    for (let i = 0; i < count; i++) {
      const key = String(randomBelow(random, 40));
      const value = 'x'.repeat(randomBelow(random, 200));
      requests.push(
        ...[
          [['SET', `s${key}`, value]],
          [['APPEND', `s${key}`, key]],
          [['RPUSH', `l${key}`, value, key]],
          [['LPOP', `l${key}`]],
          [['HSET', `h${key}`, `f${randomBelow(random, 9)}`, value]],
          [['ZADD', `z${key}`, String(randomBelow(random, 100)), value]],
          [['XADD', `x${key}`, '*', 'field', value]],
          [['DEL', `s${key}`, `h${key}`]],
          [['RENAME', `s${key}`, `s${randomBelow(random, 40)}`]],
          [['PEXPIRE', `l${key}`, '100000000']],
          [['MULTI'], ['INCR', 'count'], ['SADD', 'set', value], ['SREM', 'set', value], ['EXEC']],
        ][randomBelow(random, 11)],
      );
      if (swaps && i % 300 === 299) requests.push(['SWAPDB', '0', '1']);
    }
    await Promise.all(this.client.pipeline(requests));
  }

  async moment(): Promise<Moment> {
    const info = (await this.client.call('INFO', 'persistence')).text!;
    const version = Number(/history_newest_version:(\d+)/.exec(info)![1]);
    return { version, digest: await this.digest() };
  }

  async digest(): Promise<string> {
    return (await this.client.call('DEBUG', 'DIGEST')).text!;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.process.stop();
  }
}

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-point-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function digestOf(directory: string): Promise<string> {
  const server = await Server.start({ storage: 'memory', dir: directory, log: 'file' });
  try {
    return await server.digest();
  } finally {
    await server.stop();
  }
}

/** Level storage, copied to memory storage: DEBUG DIGEST is of what is in memory. */
async function inMemory(directory: string): Promise<string> {
  const copy = `${directory} in memory`;
  await succeeds('backup', directory, `${directory}.backup`);
  await succeeds('restore', `${directory}.backup`, copy);
  return copy;
}

describe.each([
  ['memory', 'file'],
  ['level', 'file'],
  ['memory', 'none'],
])('%s storage, log %s', (storage, log) => {
  it(`is restored to any version after a backup (HOLDFAST_SEED=${seed})`, async () => {
    const random = new SeededRandom(seed);
    const data = join(root, 'data');
    const settings = { storage, log, dir: data, 'history-bytes': '64mb' };
    let server = await Server.start(settings);
    const backup = join(root, 'backup');
    try {
      await server.write(random, 500);
      const writing = server.write(random, 2000, false);
      await succeeds('backup', backup, '--at', server.admin);
      await writing;
      const moments = [await server.moment()];
      for (let i = 0; i < 2; i++) {
        await server.write(random, 400);
        moments.push(await server.moment());
      }
      if (log === 'file') {
        // What was acknowledged is in the log, which is the history.
        server.client.close();
        await server.process.kill();
        server = await Server.start(settings);
      }
      await server.write(random, 100);
      for (const [i, { digest, version }] of moments.entries()) {
        const to = i === 1 ? 'level' : 'memory';
        const directory = join(root, `restored ${i}`);
        const text = await succeeds(
          ...['restore', backup, directory, '--storage', to, '--as-of', String(version)],
          ...['--history', server.admin],
        );
        expect(text).toContain(`as of version ${version}`);
        expect(await digestOf(to === 'memory' ? directory : await inMemory(directory)), `moment ${i}`).toBe(
          digest,
        );
      }
      if (log === 'none') return;
      // Of a server that is stopped, twice, which changes nothing.
      await server.stop();
      for (const name of ['stopped', 'again']) {
        const { digest, version } = moments[1];
        const directory = join(root, name);
        await succeeds('restore', backup, directory, '--as-of', String(version), '--history', data);
        expect(await digestOf(directory)).toBe(digest);
      }
    } finally {
      await server.process.kill();
    }
  }, 120_000);
});

it('says why it can not be restored to a version, and leaves nothing behind', async () => {
  const random = new SeededRandom(seed);
  const server = await Server.start({ storage: 'memory', dir: join(root, 'data'), 'history-bytes': '20kb' });
  try {
    const [first, second] = [join(root, 'first'), join(root, 'second')];
    await server.write(random, 100);
    await succeeds('backup', first, '--at', server.admin);
    const early = await server.moment();
    await server.write(random, 3000);
    const late = await server.moment();
    await succeeds('backup', second, '--at', server.admin);
    const target = join(root, 'target');
    const restore = async (...more: string[]): Promise<string> => {
      const { code, error } = await kvctl('restore', ...more);
      return `${code}: ${error}`;
    };
    const version = String(late.version);
    expect(await restore(first, target, '--as-of', version, '--history', server.admin)).toMatch(
      /^1: .*no longer kept/,
    );
    expect(await restore(second, target, '--as-of', String(early.version))).toMatch(
      /^1: .*take an older one/,
    );
    expect(await restore(first, target, '--as-of', version)).toMatch(
      /^1: .*--history says where the rest is/,
    );
    expect(await restore(first, target, '--as-of', 'yesterday')).toMatch(
      /^2: .*neither a version nor a time/,
    );
    expect(await restore(first, target, '--as-of', '2200-01-01T00:00:00Z')).toMatch(/^1: .*has not come yet/);
    expect(await restore(first, target, '--history', server.admin)).toMatch(/^2: .*needs --as-of/);
    expect(await restore(first, target, '--as-of', version, '--history', join(root, 'none'))).toMatch(
      /^1: .*there is no directory/,
    );
    expect((await kvctl('check', target)).error).toContain('there is no directory');
    // What the backup is as of needs no history.
    await succeeds('restore', second, target, '--as-of', version);
    expect(await digestOf(target)).toBe(late.digest);
  } finally {
    await server.process.kill();
  }
}, 60_000);
