/** connect-redis: sessions of a web server, with TTL. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { until } from './waiting.js';

let gateway: Gateway;
let client: ReturnType<typeof createClient>;
let store: RedisStore;
let web: Server;

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

/** A site that counts visits: `/out` ends the session. */
function site(): Server {
  const use = session({ store, secret: 'secret', resave: false, saveUninitialized: false });
  return createServer((request, response) => {
    use(request as never, response as never, () => {
      const visitor = (request as unknown as { session: session.Session & session.SessionData }).session;
      if (request.url === '/out') {
        visitor.destroy(() => response.end('bye'));
        return;
      }
      visitor.visits = (visitor.visits ?? 0) + 1;
      response.end(String(visitor.visits));
    });
  });
}

async function visit(path: string, cookie = ''): Promise<{ text: string; cookie: string }> {
  const { port } = web.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
  const set = response.headers.get('set-cookie')?.split(';')[0];
  return { text: await response.text(), cookie: set ?? cookie };
}

beforeAll(async () => {
  gateway = await startGateway();
  client = createClient({ url: gateway.url });
  client.on('error', () => {});
  await client.connect();
  store = new RedisStore({ client, prefix: 'session:', ttl: 100 });
  web = site();
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
});

beforeEach(async () => {
  await client.flushAll();
});

afterAll(async () => {
  web.close();
  client.destroy();
  await gateway.process.kill();
});

it('remembers a visitor from one request to the next', async () => {
  const { text, cookie } = await visit('/');
  expect(text).toBe('1');
  expect((await visit('/', cookie)).text).toBe('2');
  expect((await visit('/')).text).toBe('1');
  expect(await store.length()).toBe(2);
});

it('gives a session its TTL, and renews it with each visit', async () => {
  const { cookie } = await visit('/');
  const [key] = await client.keys('session:*');
  expect(await client.ttl(key)).toBeGreaterThan(95);
  await client.expire(key, 10);
  await visit('/', cookie);
  await until('it is renewed', async () => (await client.ttl(key)) > 95);
});

it('forgets a visitor when the TTL is over', async () => {
  const { cookie } = await visit('/');
  const [key] = await client.keys('session:*');
  await client.pExpire(key, 30);
  await until('it is gone', async () => (await client.exists(key)) === 0);
  expect((await visit('/', cookie)).text).toBe('1');
});

it('ends a session that is destroyed, and no other', async () => {
  const { cookie } = await visit('/');
  await visit('/');
  expect((await visit('/out', cookie)).text).toBe('bye');
  expect(await store.length()).toBe(1);
});

it('finds, lists and clears the sessions among many other keys', async () => {
  await client.mSet(Array.from({ length: 500 }, (_, i) => [`other:${i}`, 'v'] as [string, string]));
  for (let i = 0; i < 250; i++) await store.set(`s${i}`, { visits: i } as unknown as session.SessionData);
  const all = (await store.all()) as { id: string; visits: number }[];
  expect(all.map(({ visits }) => visits).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 250 }, (_, i) => i),
  );
  expect((await store.ids()) as string[]).toHaveLength(250);
  await store.clear();
  expect(await store.length()).toBe(0);
  expect(await client.dbSize()).toBe(500);
});
