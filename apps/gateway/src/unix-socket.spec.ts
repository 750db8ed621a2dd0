import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { permitSocket, removeStaleSocket } from './unix-socket.js';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-socket-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('leaves a socket alone that somebody listens to, and other files', async () => {
  const path = join(directory, 'live');
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await removeStaleSocket(path);
  expect(existsSync(path)).toBe(true);
  await new Promise((resolve) => server.close(resolve));

  const file = join(directory, 'file');
  writeFileSync(file, 'precious');
  await removeStaleSocket(file);
  expect(existsSync(file)).toBe(true);
  await removeStaleSocket(join(directory, 'nothing'));
});

it('gives a socket the permissions that were asked for', async () => {
  const path = join(directory, 'socket');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const before = statSync(path).mode & 0o777;
  permitSocket(path, '0');
  expect(statSync(path).mode & 0o777).toBe(before);
  permitSocket(path, '700');
  expect(statSync(path).mode & 0o777).toBe(0o700);
  await new Promise((resolve) => server.close(resolve));
});
