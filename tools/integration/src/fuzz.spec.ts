/**
 * Random bytes at the decoder, random commands at a whole server in this process: nothing throws, what comes
 * back is RESP, memory stays bounded, and the mutations lead a replica to the same state.
 * HOLDFAST_FUZZ_SECONDS and HOLDFAST_SEED set how long it searches and where.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import {
  encodeRequest,
  malformed,
  needMore,
  RequestDecoder,
  renderReply,
  type WireReply,
} from '@holdfast/protocol/testing';
import { expect, it } from 'vitest';
import { hasCommands } from './known-commands.js';
import { comparable, type MatrixLine } from './matrix.js';
import { fuzzableCommands, fuzzKeys, preparation, randomRequest } from './random-commands.js';
import { pick } from './random-pick.js';
import { ReplicatedServer, WireSession } from './wire-server.js';

const { CI, HOLDFAST_SEED, HOLDFAST_FUZZ_SECONDS } = process.env;
// A gate must not depend on luck: it searches one place, and people search everywhere else.
const seed = Number(HOLDFAST_SEED ?? (CI === undefined ? Math.floor(Math.random() * 2 ** 31) : 1));
const seconds = Number(HOLDFAST_FUZZ_SECONDS ?? 10);
const residentBytesMax = 1_500_000_000;

console.log(`fuzzing for ${seconds} s, HOLDFAST_SEED=${seed}`);

function secondsOfWork(share: number, work: () => void): number {
  const untilMs = performance.now() + seconds * share * 1000;
  let rounds = 0;
  for (; rounds === 0 || performance.now() < untilMs; rounds++) work();
  return rounds;
}

const pieces = [
  '*',
  '$',
  '\r\n',
  '\n',
  '\r',
  '-1',
  '0',
  '1',
  '3',
  '99999999999',
  '"',
  "'",
  '\\x',
  ' ',
  '\0',
  ':',
  '+',
];

/** Frames that are right at first, then changed; or bytes of the protocol's own in any order. */
function randomInput(random: Random): Buffer {
  if (randomBelow(random, 3) === 0) {
    return Buffer.from(Array.from({ length: randomBelow(random, 60) }, () => pick(pieces, random)).join(''));
  }
  const frame = (): Buffer =>
    encodeRequest(
      Array.from({ length: randomBelow(random, 5) }, () =>
        random.fill(Buffer.alloc(randomBelow(random, 40))),
      ),
    );
  const bytes = Buffer.concat(Array.from({ length: 1 + randomBelow(random, 4) }, frame));
  for (let i = randomBelow(random, 4); i > 0 && bytes.length > 0; i--) {
    const at = randomBelow(random, bytes.length);
    if (randomBelow(random, 2) === 0) bytes[at] = random.uint32() & 255;
    else bytes.write(pick(pieces, random), at, 'latin1');
  }
  return bytes;
}

/** What a connection would find in the input, cut into chunks. */
function decode(input: Buffer, sizeOfNext: () => number): string[] {
  const decoder = new RequestDecoder(1024 * 1024);
  const found: string[] = [];
  let rest = Buffer.alloc(0);
  for (let at = 0; at < input.length; ) {
    const size = sizeOfNext();
    const bytes = Buffer.concat([rest, input.subarray(at, at + size)]);
    at += size;
    let used = 0;
    while (used < bytes.length) {
      const next = decoder.decode(bytes, used, bytes.length);
      if (next === needMore) break;
      if (next === malformed) return [...found, decoder.error];
      if (next <= used || next > bytes.length)
        throw new Error(`decoded from ${used} to ${next} of ${bytes.length}`);
      const { request } = decoder;
      found.push(Array.from({ length: request.count }, (_, i) => request.byteString(i)).join('\u{1f539}'));
      used = next;
    }
    decoder.rebase(used);
    rest = bytes.subarray(used);
  }
  if (decoder.request.offsets.byteLength > 64 * 1024) throw new Error('announcements alone took memory');
  return found;
}

it(
  `decodes anything, cut anywhere (HOLDFAST_SEED=${seed})`,
  () => {
    const random = new SeededRandom(seed);
    const rounds = secondsOfWork(0.25, () => {
      const input = randomInput(random);
      const whole = decode(input, () => input.length);
      const cut = decode(input, () => 1 + randomBelow(random, 30));
      if (JSON.stringify(whole) !== JSON.stringify(cut)) {
        expect(cut, JSON.stringify(input.toString('latin1'))).toEqual(whole);
      }
    });
    console.log(`decoded ${rounds} inputs`);
  },
  seconds * 1000 + 60_000,
);

/** Commands that show all there is of a key, by its type. */
const views: Readonly<Record<string, (key: string) => { args: string[]; group: number }>> = {
  string: (key) => ({ args: ['GET', key], group: 0 }),
  list: (key) => ({ args: ['LRANGE', key, '0', '-1'], group: 0 }),
  set: (key) => ({ args: ['SMEMBERS', key], group: 1 }),
  zset: (key) => ({ args: ['ZRANGE', key, '0', '-1', 'WITHSCORES'], group: 0 }),
  hash: (key) => ({ args: ['HGETALL', key], group: 2 }),
  stream: (key) => ({ args: ['XINFO', 'STREAM', key, 'FULL', 'COUNT', '0'], group: 0 }),
};

/** When a consumer asked in vain is not journaled. */
const unjournaled = /\$"seen-time", :\d+/g;

/** The state of the keys that are in play, as one side tells it. */
function describeState(session: WireSession): string[] {
  return fuzzKeys.map((key) => {
    const type = session.run(['TYPE', key])[0].text!;
    if (views[type] === undefined) return `${key} ${type}`;
    const { args, group } = views[type](key);
    const comparison: MatrixLine['comparison'] = group === 0 ? 'exact' : 'sorted';
    const line: MatrixLine = { text: '', args: [], comparison, group: Math.max(group, 1), connection: 1 };
    const content = comparable(session.run(args)[0], line).replace(unjournaled, '');
    const expiry = hasCommands('PEXPIRETIME') ? session.run(['PEXPIRETIME', key]).map(renderReply) : '';
    return `${key} ${content} ${expiry}`;
  });
}

class CommandFuzz {
  readonly #server: ReplicatedServer;
  readonly #random: SeededRandom;
  readonly #commands: ReturnType<typeof fuzzableCommands>;
  readonly #judge: WireSession;
  readonly #replicaJudge: WireSession;
  #sessions: WireSession[] = [];
  /** The last requests, for the message of a failure. */
  readonly #trail: string[] = [];
  commandCount = 0;

  constructor(seedOfRun: number) {
    this.#random = new SeededRandom(seedOfRun);
    this.#server = new ReplicatedServer(seedOfRun);
    const { main, replica } = this.#server;
    main.kv.config.set('proto-max-bulk-len', '1048576');
    this.#commands = fuzzableCommands(main.kv.registry.commands);
    this.#judge = new WireSession(main, 2);
    this.#replicaJudge = new WireSession(replica, 2);
  }

  /** A few hundred commands from a prepared state, then both sides are compared. */
  round(): void {
    try {
      this.#round();
    } catch (error) {
      const trail = this.#trail.join('\n');
      throw new Error(`${(error as Error).message}\nafter:\n${trail}`, { cause: error });
    }
  }

  #round(): void {
    const random = this.#random;
    this.#trail.length = 0;
    this.#judge.run(['FLUSHALL']);
    for (const args of preparation) if (hasCommands(args[0])) this.#judge.run(args);
    this.#sessions = [2, 3, 2].map((dialect) => new WireSession(this.#server.main, dialect as 2 | 3));
    for (let i = 0; i < 300; i++) this.#step(pick(this.#sessions, random));
    for (const session of this.#sessions) session.close();
    if (hasCommands('FUNCTION')) this.#judge.run(['FUNCTION', 'FLUSH']);
    this.#compare();
    this.#server.advance(1000);
    this.#compare();
    if (process.memoryUsage.rss() > residentBytesMax) throw new Error('memory is not bounded');
  }

  #step(session: WireSession): void {
    const random = this.#random;
    if (session.isClosed || session.session.isBlocked) {
      session.close();
      this.#sessions[this.#sessions.indexOf(session)] = new WireSession(
        this.#server.main,
        session.session.dialect,
      );
      return;
    }
    const request = randomRequest(this.#commands, random);
    const shown = request.map((arg) => JSON.stringify(arg.toString('latin1').slice(0, 60))).join(' ');
    this.#trail.push(`${this.#sessions.indexOf(session)}> ${shown}`);
    this.#trail.splice(0, this.#trail.length - 40);
    this.commandCount++;
    const isQuiet = session.session.replyMode !== 'on';
    session.take();
    const replies = session.run(request);
    const answers = replies.filter(({ type }) => type !== '>');
    if (!isQuiet && answers.length !== 1 && !mayAnswerOtherwise(session, request, replies)) {
      throw new Error(`${answers.length} replies: ${replies.map(renderReply).join(' ')}`);
    }
    if (randomBelow(random, 50) === 0) this.#server.advance(randomBelow(random, 300));
    if (randomBelow(random, 10) === 0) this.#server.replicate();
  }

  #compare(): void {
    for (const database of ['1', '0']) {
      if (hasCommands('SELECT')) {
        this.#judge.run(['SELECT', database]);
        this.#replicaJudge.run(['SELECT', database]);
      }
      const expected = describeState(this.#judge);
      // Looking removed what had expired, which the replica is told.
      this.#server.replicate();
      const actual = describeState(this.#replicaJudge);
      for (const [i, line] of expected.entries()) {
        if (line !== actual[i]) throw new Error(`the replica differs:\n  ${line}\n  ${actual[i]}`);
      }
    }
  }
}

/** Subscriptions answer once a channel; who blocks is answered later. */
function mayAnswerOtherwise(
  { session }: WireSession,
  request: readonly (string | Buffer)[],
  replies: readonly WireReply[],
): boolean {
  return (
    (session.isBlocked && replies.length === 0) || /SUBSCRIBE$|^EXEC$|PUBLISH$/i.test(String(request[0]))
  );
}

it.runIf(hasCommands('FLUSHALL', 'TYPE', 'GET'))(
  `answers any command, and a replica follows (HOLDFAST_SEED=${seed})`,
  () => {
    const fuzz = new CommandFuzz(seed);
    const rounds = secondsOfWork(0.75, () => fuzz.round());
    console.log(`ran ${fuzz.commandCount} commands in ${rounds} rounds`);
  },
  seconds * 1000 + 60_000,
);
