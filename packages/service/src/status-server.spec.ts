import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StatusServer } from './status-server.js';

describe('StatusServer', () => {
  let refusal: string | null;
  let status: StatusServer;
  let port: number;

  beforeEach(async () => {
    refusal = null;
    status = new StatusServer(() => refusal);
    port = await status.listen(0, '127.0.0.1');
  });

  afterEach(() => status.close());

  const ask = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return [response.status, await response.text()];
  };

  it('tells Prometheus what only rises as a counter, and what may fall as a gauge', async () => {
    let commands = 3;
    status.counter('commands_total', 'Commands run.', () => commands);
    status.gauge('clients', 'Clients.', () => 2);
    await ask('/metrics');
    commands = 5;
    const [code, text] = await ask('/metrics');
    expect(code).toBe(200);
    expect(text).toContain('# TYPE holdfast_commands_total counter\nholdfast_commands_total 5\n');
    expect(text).toContain('# TYPE holdfast_clients gauge\nholdfast_clients 2\n');
  });

  it('observes the process once somebody has asked for that', async () => {
    const lag = (): unknown => status.registry.getSingleMetric('nodejs_eventloop_lag_seconds');
    await ask('/healthz');
    expect(lag()).toBeUndefined();
    expect((await ask('/metrics'))[1]).toContain('nodejs_eventloop_lag_seconds');
    expect(lag()).toBeDefined();
  });

  it('goes on when a metric can not be read', async () => {
    status.gauge('broken', 'Broken.', () => {
      throw new Error('no figure');
    });
    expect(await ask('/metrics')).toEqual([500, expect.stringContaining('no figure')]);
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
  });

  it('is ready while it does its work, and not any more once it is ending', async () => {
    expect(await ask('/readyz')).toEqual([200, 'ok\n']);
    refusal = 'not yet';
    expect(await ask('/readyz')).toEqual([503, 'not yet\n']);
    refusal = null;
    status.sayEnding();
    expect(await ask('/readyz')).toEqual([503, 'the process is ending\n']);
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
  });

  it('serves more than one address', async () => {
    const other = await status.listen(0, '127.0.0.1');
    expect((await fetch(`http://127.0.0.1:${other}/healthz`)).status).toBe(200);
    expect((await ask('/elsewhere'))[0]).toBe(404);
  });
});
