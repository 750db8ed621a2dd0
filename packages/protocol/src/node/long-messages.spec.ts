/** Replies and messages that are long, or many at once: no message of the stream may be longer than gRPC takes. */
import { EventEmitter } from 'node:events';
import { messageBytesMax, node } from '@holdfast/rpc';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeRequest, type RespArgument } from '../testing/encode-request.js';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';
import { messagesUnsentMax } from './limits.js';

const mib = 1024 * 1024;

/** The stream of a gateway, which is sent messages of these lengths. */
class MeasuredStream extends EventEmitter {
  readonly lengths: number[] = [];
  /** Bytes of replies, by the ids of their runs, and of what sessions were sent besides. */
  readonly replies = new Map<number, number>();
  pushedBytes = 0;
  takesMessages = true;

  send(message: Partial<node.ForwardRequest>): void {
    const request = node.ForwardRequest.fromPartial(message);
    this.emit('data', Buffer.from(node.ForwardRequest.encode(request).finish()));
  }

  write(message: Buffer, written: () => void): boolean {
    this.lengths.push(message.length);
    const { pushes, replies } = node.ForwardResponse.decode(message);
    for (const { id, replies: bytes } of replies)
      this.replies.set(id, (this.replies.get(id) ?? 0) + bytes.length);
    for (const { messages } of pushes) this.pushedBytes += messages.length;
    if (this.takesMessages) written();
    return true;
  }

  get longest(): number {
    return Math.max(...this.lengths);
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  getPeer(): string {
    return 'here';
  }
}

let cluster: TestCluster;
let other: PipeClient;
let stream: MeasuredStream;

beforeEach(() => {
  cluster = new TestCluster({ shards: 1, nodes: 1 });
  other = cluster.client();
  stream = new MeasuredStream();
  cluster.nodes[0].exporter.accept(stream);
});

function send(session: number, id: number, ...requests: (readonly RespArgument[])[]): void {
  const [{ name: shard }] = cluster.shards;
  const run = node.Run.fromPartial({
    session,
    id,
    shard,
    dialect: 3,
    requests: Buffer.concat(requests.map((request) => encodeRequest(request))),
  });
  stream.send({ runs: [run] });
  cluster.env.advance(0);
}

describe('what a gateway is sent', () => {
  it('was one message of all replies that came late in a turn: with two of 40 MiB the stream broke', () => {
    const value = Buffer.alloc(40 * mib, 'x');
    for (const id of [1, 2, 3]) send(id, id, ['XREAD', 'BLOCK', '0', 'STREAMS', 's', '$']);
    other.run(['XADD', 's', '1-1', 'field', value]);
    const entry = '*2\r\n$3\r\n1-1\r\n*2\r\n$5\r\nfield\r\n$41943040\r\n\r\n'.length + value.length;
    const reply = '%1\r\n$1\r\ns\r\n*1\r\n'.length + entry;
    expect([...stream.replies]).toEqual([1, 2, 3].map((id) => [id, reply]));
    expect(stream.longest).toBeLessThan(messageBytesMax);
  });

  it('was one message of all that a script published', () => {
    send(1, 1, ['SUBSCRIBE', 'news']);
    const script = "for i = 1, 5 do redis.call('PUBLISH', 'news', ARGV[1]) end return 'done'";
    const payload = Buffer.alloc(30 * mib, 'x');
    expect(other.run(['EVAL', script, '0', payload])).toEqual(['$"done"']);
    send(1, 2, ['EVAL', script, '0', payload]);
    const bytes = '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$31457280\r\n\r\n'.length + payload.length;
    expect(stream.pushedBytes).toBe(10 * bytes);
    expect(stream.longest).toBeLessThan(messageBytesMax);
    expect(stream.replies.get(2)).toBe('$4\r\ndone\r\n'.length);
  });

  it('may be any message that a gateway can pass on, but none that a script made longer', () => {
    const channel = Buffer.alloc(10 * mib, 'c');
    send(1, 1, ['PSUBSCRIBE', 'news', channel]);
    const payload = Buffer.alloc(messageBytesMax - 65 * 1024, 'x');
    expect(other.run(['PUBLISH', 'news', payload])).toEqual([':1']);
    const before = stream.pushedBytes;
    expect(before).toBeGreaterThan(payload.length);
    const script = "redis.call('PUBLISH', ARGV[1], ARGV[2]) return redis.call('PUBLISH', 'news', 'short')";
    expect(other.run(['EVAL', script, '0', channel, payload.subarray(0, 45 * mib)])).toEqual([':1']);
    const short = '>4\r\n$8\r\npmessage\r\n$4\r\nnews\r\n$4\r\nnews\r\n$5\r\nshort\r\n';
    expect(stream.pushedBytes).toBe(before + short.length);
    expect(stream.longest).toBeLessThanOrEqual(messageBytesMax);
  });

  it('and did not take was kept without end: messages of channels are lost then, and nothing else', () => {
    send(1, 1, ['SUBSCRIBE', 'news']);
    stream.takesMessages = false;
    const payload = Buffer.alloc(8 * mib, 'x');
    for (let i = 0; i < 40; i++) other.run(['PUBLISH', 'news', payload]);
    expect(stream.pushedBytes).toBeGreaterThan(messagesUnsentMax - 9 * mib);
    expect(stream.pushedBytes).toBeLessThan(messagesUnsentMax + 18 * mib);
  });

  it('names the length of a reply that no message can hold, of which it keeps no more than that', () => {
    const buffers = process.memoryUsage().arrayBuffers;
    other.run(['SET', 'k', Buffer.alloc(mib, 'x')]);
    const asked = ['MGET', ...Array.from({ length: 1000 }, () => 'k')];
    const length = 1000 * (mib + '$1048576\r\n\r\n'.length) + '*1000\r\n'.length;
    const limit = `-LIMIT the reply has ${length} bytes, and replies in a cluster have at most 66846720`;
    expect(other.run(asked, 'STRLEN k', 'MULTI', asked, 'EXEC', 'STRLEN k')).toEqual([
      limit,
      `:${mib}`,
      '+OK',
      '+QUEUED',
      expect.stringMatching(/^-LIMIT the reply has \d+ bytes/),
      `:${mib}`,
    ]);
    expect(process.memoryUsage().arrayBuffers - buffers).toBeLessThan(800 * mib);
  });
});
