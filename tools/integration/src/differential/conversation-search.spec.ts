/**
 * Random conversations of several connections with redis-server and with the gateway. HOLDFAST_SEED and
 * HOLDFAST_DIFFERENTIAL_SECONDS say where it searches and for how long; `npm run differential -- --conversations`
 * searches further.
 */
import { expect, it } from 'vitest';
import { ConversationSearch, settingsOfConversations } from './conversation-search.js';
import { ServerPair } from './server-pair.js';

const { HOLDFAST_SEED, HOLDFAST_DIFFERENTIAL_SECONDS } = process.env;
// One place, as far as that is known: see differential.spec.ts.
const seed = Number(HOLDFAST_SEED ?? 1);
const seconds = Number(HOLDFAST_DIFFERENTIAL_SECONDS ?? 30);
const conversationsMax = 500;

it(
  `tells several connections what redis-server does (HOLDFAST_SEED=${seed})`,
  async () => {
    const pair = await ServerPair.start(settingsOfConversations);
    try {
      const options = { seed, seconds, sequencesMax: conversationsMax, findingsMax: 3 };
      const search = new ConversationSearch(pair, options);
      const { conversationCount, turnCount, findings, passing } = await search.run();
      console.log(`compared ${conversationCount} conversations, ${turnCount} turns`, ...passing);
      expect(findings.length, findings.join('\n\n')).toBe(0);
    } finally {
      await pair.stop();
    }
  },
  seconds * 1000 + 120_000,
);
