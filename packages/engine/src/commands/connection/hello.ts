import { defineCommand } from '../../command.js';
import { rest } from '../../grammar.js';
import { wrongPassword } from './auth.js';
import { clientNameError } from './client-name.js';

const notAuthenticated =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time';

export const hello = defineCommand({
  id: 7,
  name: 'HELLO',
  group: 'connection',
  since: '6.0.0',
  complexity: 'O(1)',
  summary: 'Handshakes with the server.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  args: { words: rest() },
  hides: (request, i) => i > 2 && (request.is(i - 1, 'AUTH') || request.is(i - 2, 'AUTH')),
  run(ctx, { words }, reply) {
    const { host, kv, request, session } = ctx;
    let dialect = session.dialect;
    let name: string | null = null;
    let credentials: [string, string] | null = null;
    const end = words.first + words.count;
    if (words.count > 0) {
      const asked = request.integer(words.first);
      if (Number.isNaN(asked)) return reply.error('ERR Protocol version is not an integer or out of range');
      if (asked !== 2 && asked !== 3) return reply.error('NOPROTO unsupported protocol version');
      dialect = asked;
    }
    for (let i = words.first + 1; i < end; i++) {
      if (request.is(i, 'AUTH') && i + 2 < end) {
        credentials = [request.byteString(i + 1), request.byteString(i + 2)];
        i += 2;
      } else if (request.is(i, 'SETNAME') && i + 1 < end) {
        name = request.byteString(++i);
        const problem = clientNameError(name);
        if (problem !== null) return reply.error(problem);
      } else {
        return reply.error(`ERR Syntax error in HELLO option '${request.quoted(i)}'`);
      }
    }
    if (credentials !== null && !kv.access.authenticate(session, ...credentials, request))
      return reply.error(wrongPassword);
    if (!session.isAuthenticated) return reply.error(notAuthenticated);
    if (name !== null) session.name = name;
    session.dialect = dialect;
    reply.dialect = dialect;
    reply.map(7);
    reply.text('server');
    reply.text('redis');
    reply.text('version');
    reply.text(kv.redisVersion.text);
    reply.text('proto');
    reply.integer(dialect);
    reply.text('id');
    reply.integer(session.id);
    reply.text('mode');
    reply.text(kv.isClusterNode ? 'cluster' : 'standalone');
    reply.text('role');
    reply.text(host.followed === null ? 'master' : 'replica');
    reply.text('modules');
    reply.array(0);
  },
});
