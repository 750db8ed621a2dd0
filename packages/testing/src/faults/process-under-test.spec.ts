import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pause, systemEnv } from '@holdfast/common';
import { afterEach, describe, expect, it } from 'vitest';
import { type ProcessOptions, ProcessUnderTest } from './process-under-test.js';

const { timers } = systemEnv();
const started: ProcessUnderTest[] = [];

function scripted(script: string, options: Partial<ProcessOptions> = {}): ProcessUnderTest {
  const made = new ProcessUnderTest({ program: process.execPath, args: ['-e', script], ...options });
  started.push(made);
  return made;
}

afterEach(async () => {
  for (const each of started.splice(0)) await each.kill();
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilDead(pid: number): Promise<void> {
  for (let i = 0; i < 500 && isAlive(pid); i++) await pause(timers, 10);
  expect(isAlive(pid)).toBe(false);
}

const serving = `
  process.on('SIGTERM', () => { console.log('bye'); process.exitCode = 7; process.exit(); });
  console.log('loading');
  console.error('a warning');
  console.log('ready ' + process.pid);
  let ticks = 0;
  setInterval(() => console.log('tick ' + ticks++), 10);
`;
const isReady = (line: string) => line.startsWith('ready');

describe('ProcessUnderTest', () => {
  it('starts, is ready, and ends in an orderly way', async () => {
    const server = scripted(serving, { isReady });
    expect(await server.start()).toBe(`ready ${server.pid}`);
    expect(server.isRunning).toBe(true);
    expect(await server.stop()).toEqual({ code: 7, signal: null });
    expect(server.isRunning).toBe(false);
    expect(server.lines).toContainEqual({ stream: 'stderr', text: 'a warning' });
    expect(server.log).toMatch(/^loading\n.*bye$/s);
  });

  it('is killed, and starts again with the same arguments', async () => {
    const server = scripted(serving, { isReady });
    await server.start();
    const { pid } = server;
    await server.kill();
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await server.kill();
    expect(await server.restart()).not.toBe(`ready ${pid}`);
    await expect(server.start()).rejects.toThrow('runs already');
  });

  it('stands still while it is paused, also when it is told to stop', async () => {
    const server = scripted(serving, { isReady });
    await server.start();
    await server.nextLine((text) => text.startsWith('tick'));
    server.pause();
    await pause(timers, 50);
    const before = server.lines.length;
    await pause(timers, 100);
    expect(server.lines.length).toBe(before);
    server.resume();
    await server.nextLine((text) => text.startsWith('tick'));
    server.pause();
    expect((await server.stop()).code).toBe(7);
    server.pause();
  });

  it('is killed while it is paused', async () => {
    const server = scripted(serving, { isReady });
    await server.start();
    server.pause();
    await server.kill();
    expect(server.isRunning).toBe(false);
  });

  it('says why it does not serve', async () => {
    const failing = scripted(`console.error('no such setting'); process.exitCode = 3;`);
    await expect(failing.start()).rejects.toThrow(/ended before it was ready \(3\):\nno such setting/);
    const silent = scripted('setInterval(() => {}, 1000)', { startTimeoutMs: 200 });
    await expect(silent.start()).rejects.toThrow('was not ready within 200 ms');
    expect(silent.isRunning).toBe(false);
    await expect(scripted('', { program: '/nowhere/server' }).start()).rejects.toThrow('/nowhere/server');
  });

  it('takes what it started along', async () => {
    const server = scripted(`
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      console.log(child.pid);
      setInterval(() => {}, 1000);
    `);
    const grandchild = Number(await server.start());
    expect(isAlive(grandchild)).toBe(true);
    await server.kill();
    await untilDead(grandchild);
  });

  it('does not outlive a test that is killed', async () => {
    const hook = fileURLToPath(new URL('../../dist/faults/index.js', import.meta.url));
    const test = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { ProcessUnderTest } from ${JSON.stringify(hook)};
       const server = new ProcessUnderTest({ program: process.execPath, args: ['-e', ${JSON.stringify(serving)}] });
       await server.start();
       console.log(server.pid);
       setInterval(() => {}, 1000);`,
    ]);
    const [line] = (await once(test.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    test.kill('SIGKILL');
    await untilDead(pid);
  });
});
