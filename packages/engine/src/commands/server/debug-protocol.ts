/** DEBUG PROTOCOL: a reply of each type, for tests of clients. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';

const samples: Readonly<Record<string, (reply: Reply, ctx: Context) => void>> = {
  string: (reply) => reply.text('Hello World'),
  integer: (reply) => reply.integer(12345),
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: the number that Redis' clients expect
  double: (reply) => reply.double(3.141),
  bignum: (reply) => reply.bigNumber('1234567999999999999999999999999999999'),
  null: (reply) => reply.null(),
  array(reply) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set(reply) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map(reply) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib(reply) {
    if (reply.attribute(1)) {
      reply.text('key-popularity');
      reply.array(2);
      reply.text('key:123');
      reply.integer(90);
    }
    reply.text('Some real reply following the attribute');
  },
  push(reply, { host, session }) {
    if (reply.dialect === 2) return reply.error('ERR RESP2 is not supported by this command');
    reply.text('Some real reply following the push reply');
    host.tell(session, (message) => {
      message.push(2);
      message.text('server-cpu-usage');
      message.integer(42);
    });
  },
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
  verbatim: (reply) => reply.verbatim('txt', 'This is a verbatim\nstring'),
};

const unknownType =
  'ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false';

export function replySample(ctx: Context, type: string, reply: Reply): void {
  const write = Object.hasOwn(samples, type) ? samples[type] : undefined;
  if (write === undefined) reply.error(unknownType);
  else write(reply, ctx);
}
