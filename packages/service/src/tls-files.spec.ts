import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { TlsFiles, watchTls } from './tls-files.js';

const pem = (text: string) => ({ ca: Buffer.from(text) });

describe('TlsFiles', () => {
  it('tells of other content, and of none where it is the same', () => {
    let content = 'a';
    let told = 0;
    const files = new TlsFiles(() => pem(content));
    files.onChange(() => told++);
    const first = files.current;
    expect([files.refresh(), files.current === first, told]).toEqual([false, true, 0]);
    content = 'b';
    expect([files.refresh(), files.current, told]).toEqual([true, pem('b'), 1]);
  });

  it('keeps what it has while something that can not be used is in the files, and takes what comes then', async () => {
    let content = 'a';
    const said: string[] = [];
    const say = (text: unknown): void => void said.push(String(text));
    const env = new SimulatedEnv();
    const files = new TlsFiles(() => {
      if (content === '') throw new KvError('INVALID', 'cluster-key is half written');
      return pem(content);
    });
    const watch = watchTls({
      env,
      files: [undefined, files],
      logger: { info: say, warn: say },
      intervalMs: 10,
    });
    const pass = async (): Promise<void> => {
      env.advance(10);
      await new Promise(setImmediate);
    };
    content = '';
    await pass();
    expect(files.current).toEqual(pem('a'));
    expect(said).toEqual([expect.stringContaining('still used: cluster-key is half written')]);
    content = 'b';
    await pass();
    expect(files.current).toEqual(pem('b'));
    await watch.close();
    content = 'c';
    await pass();
    expect(files.current).toEqual(pem('b'));
  });
});
