import { expect, it } from 'vitest';
import { addressText, listenOn, parseHosts } from './hosts.js';

it('reads what Redis calls bind', () => {
  expect(parseHosts('127.0.0.1')).toEqual([{ name: '127.0.0.1', isOptional: false }]);
  expect(parseHosts(' 10.0.0.1  -::1 ')).toEqual([
    { name: '10.0.0.1', isOptional: false },
    { name: '::1', isOptional: true },
  ]);
  expect(parseHosts('* -::*')).toEqual([
    { name: '0.0.0.0', isOptional: false },
    { name: '::', isOptional: true },
  ]);
});

it('listens everywhere on the port that the first one got', async () => {
  const heard: [number, string][] = [];
  const listen = async (port: number, host: string): Promise<number> => {
    heard.push([port, host]);
    return port === 0 ? 4711 : port;
  };
  expect(await listenOn(parseHosts('a b -c'), 0, listen)).toEqual({ host: 'a', port: 4711 });
  expect(heard).toEqual([
    [0, 'a'],
    [4711, 'b'],
    [4711, 'c'],
  ]);
});

it('does without what may be missing, but not without everything', async () => {
  const listen = async (port: number, host: string): Promise<number> => {
    if (host === 'missing') throw new Error('EADDRNOTAVAIL');
    return port;
  };
  expect(await listenOn(parseHosts('-missing there'), 1, listen)).toEqual({ host: 'there', port: 1 });
  await expect(listenOn(parseHosts('there missing'), 1, listen)).rejects.toThrow('EADDRNOTAVAIL');
  await expect(listenOn(parseHosts('-missing'), 1, listen)).rejects.toThrow('EADDRNOTAVAIL');
});

it('writes addresses as URLs have them', () => {
  expect(addressText({ host: '127.0.0.1', port: 1 })).toBe('127.0.0.1:1');
  expect(addressText({ host: '::1', port: 1 })).toBe('[::1]:1');
});
