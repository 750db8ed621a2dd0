import { defineCommand } from '../../command.js';
import { rest, syntaxError } from '../../grammar.js';

export const wrongPassword = 'WRONGPASS invalid username-password pair or user is disabled.';
const noPassword =
  'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?';

export const auth = defineCommand({
  id: 6,
  name: 'AUTH',
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of passwords defined for the user',
  summary: 'Authenticates the connection.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  args: { words: rest(1) },
  hides: (_request, i) => i > 0,
  run(ctx, { words }, reply) {
    if (words.count > 2) return reply.error(syntaxError);
    const { request } = ctx;
    const { access } = ctx.kv;
    const user = words.count === 2 ? request.byteString(words.first) : 'default';
    const password = request.byteString(words.first + words.count - 1);
    if (words.count === 1 && access.defaultUser.needsNoPassword) return reply.error(noPassword);
    if (!access.authenticate(ctx.session, user, password, request)) return reply.error(wrongPassword);
    reply.ok();
  },
});
