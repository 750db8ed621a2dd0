/** How ACL GETUSER describes a user, and ACL LOG what was denied. */
import type { Reply } from '@holdfast/common';
import type { AclLogEntry } from '../../acl/acl-log.js';
import type { Selector } from '../../acl/selector.js';
import type { User } from '../../acl/user.js';

export function replyUser(user: User, reply: Reply): void {
  const [root, ...more] = user.selectors;
  reply.map(6);
  reply.text('flags');
  reply.set(user.flags.length);
  for (const flag of user.flags) reply.text(flag);
  reply.text('passwords');
  reply.array(user.passwords.length);
  for (const hash of user.passwords) reply.text(hash);
  replySelector(root, reply);
  reply.text('selectors');
  reply.array(more.length);
  for (const selector of more) {
    reply.map(3);
    replySelector(selector, reply);
  }
}

/** Three pairs. */
function replySelector(selector: Selector, reply: Reply): void {
  reply.text('commands');
  reply.byteString(selector.commandRules);
  reply.text('keys');
  reply.byteString(selector.keyRules.join(' '));
  reply.text('channels');
  reply.byteString(selector.channelRules.join(' '));
}

export function replyLog(entries: readonly AclLogEntry[], nowMs: number, reply: Reply): void {
  reply.array(entries.length);
  for (const entry of entries) {
    reply.map(10);
    reply.text('count');
    reply.integer(entry.count);
    reply.text('reason');
    reply.text(entry.reason);
    reply.text('context');
    reply.text(entry.context);
    reply.text('object');
    reply.byteString(entry.object);
    reply.text('username');
    reply.byteString(entry.user);
    reply.text('age-seconds');
    reply.double((nowMs - entry.updatedMs) / 1000);
    reply.text('client-info');
    reply.text(entry.client);
    reply.text('entry-id');
    reply.integer(entry.id);
    reply.text('timestamp-created');
    reply.integer(entry.createdMs);
    reply.text('timestamp-last-updated');
    reply.integer(entry.updatedMs);
  }
}
