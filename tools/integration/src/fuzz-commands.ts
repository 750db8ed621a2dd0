/**
 * Random commands at a whole server in this process, on virtual time: nothing throws, each request is answered
 * once, what comes back is RESP, and the mutations lead a replica to the same state.
 */
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Command, Registry } from '@holdfast/engine';
import { renderReply, type WireReply } from '@holdfast/protocol/testing';
import { allKeys, preparation } from './differential/argument-values.js';
import { comparable } from './differential/comparison.js';
import { viewsOf } from './differential/key-views.js';
import { bytesOf, lineOf, type RandomRequest } from './differential/request.js';
import { RequestGenerator } from './differential/request-generator.js';
import { pick } from './random-pick.js';
import { ReplicatedServer, WireSession } from './wire-server.js';

const commandsOfRound = 300;
const flushEveryRounds = 50;
const trailLength = 40;

/** When a consumer asked in vain is not journaled. */
const unjournaled = /\$"seen-time", :\d+/g;

/** The state of the keys that are in play, as one side tells it. */
function describeState(session: WireSession): string[] {
  return allKeys.map((key) => {
    const type = session.run(['TYPE', key])[0].text!;
    const shown = viewsOf(key, type).map((request) => {
      const reply = session.run(bytesOf(request))[0];
      const isUnordered = request[0] === 'SMEMBERS' || request[0] === 'HGETALL';
      return isUnordered ? comparable(request, reply) : renderReply(reply).replace(unjournaled, '');
    });
    return [key, type, ...shown].join(' ');
  });
}

/** Commands that end, stop or change the process, or hold it for long; they are tested by themselves. */
const excluded =
  /^(shutdown|debug|pfselftest|config\|set|config\|rewrite|monitor|client\|pause|client\|kill|client\|reply|acl.*|failover)$/;

function fuzzableCommands({ commands }: Registry): Command[] {
  return commands
    .flatMap((command) => [command, ...command.subcommands.values()])
    .filter(({ fullName }) => !excluded.test(fullName));
}

export class CommandFuzz {
  readonly #server: ReplicatedServer;
  readonly #random: SeededRandom;
  readonly #requests: RequestGenerator;
  readonly #judge: WireSession;
  readonly #replicaJudge: WireSession;
  #sessions: WireSession[] = [];
  /** The last requests, for the message of a failure. */
  readonly #trail: string[] = [];
  readonly #onRequest: (shown: string) => void;
  commandCount = 0;
  #roundCount = 0;

  /** `onRequest` is told of each request before it runs: a run that hangs has no other way to say of what. */
  constructor(seed: number, onRequest: (shown: string) => void) {
    this.#onRequest = onRequest;
    this.#random = new SeededRandom(seed);
    this.#server = new ReplicatedServer(seed);
    const { main, replica } = this.#server;
    main.kv.config.set('proto-max-bulk-len', '1048576');
    this.#requests = new RequestGenerator(fuzzableCommands(main.kv.registry), this.#random, {
      usesClock: true,
      damagedPercent: 30,
    });
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
    this.#clear();
    for (const request of preparation) this.#judge.run(bytesOf(request));
    this.#sessions = [2, 3, 2].map((dialect) => new WireSession(this.#server.main, dialect as 2 | 3));
    for (let i = 0; i < commandsOfRound; i++) this.#step(pick(this.#sessions, random));
    for (const session of this.#sessions) session.close();
    this.#judge.run(['FUNCTION', 'FLUSH']);
    this.#compare();
    this.#server.advance(1000);
    this.#compare();
  }

  /** To an empty server, now and then; else only the keys in play go, which costs much less. */
  #clear(): void {
    const isWhole = this.#roundCount++ % flushEveryRounds === 0;
    for (const database of ['1', '0']) {
      this.#judge.run(['SELECT', database]);
      this.#judge.run(isWhole ? ['FLUSHALL'] : ['DEL', ...allKeys]);
    }
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
    const request = this.#requests.next(pick(this.#requests.groups, random));
    const shown = lineOf(request.map((word) => word.slice(0, 60)));
    this.#trail.push(`${this.#sessions.indexOf(session)}> ${shown}`);
    this.#onRequest(shown);
    this.#trail.splice(0, this.#trail.length - trailLength);
    this.commandCount++;
    const isQuiet = session.session.replyMode !== 'on';
    session.take();
    const replies = session.run(bytesOf(request));
    const answers = replies.filter(({ type }) => type !== '>');
    if (!isQuiet && answers.length !== 1 && !mayAnswerOtherwise(session, request, replies)) {
      throw new Error(`${answers.length} replies: ${replies.map(renderReply).join(' ')}`);
    }
    if (randomBelow(random, 50) === 0) this.#server.advance(randomBelow(random, 300));
    if (randomBelow(random, 10) === 0) this.#server.replicate();
  }

  #compare(): void {
    for (const database of ['1', '0']) {
      this.#judge.run(['SELECT', database]);
      this.#replicaJudge.run(['SELECT', database]);
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
  request: RandomRequest,
  replies: readonly WireReply[],
): boolean {
  return (session.isBlocked && replies.length === 0) || /SUBSCRIBE$|^EXEC$|PUBLISH$/i.test(request[0]);
}
