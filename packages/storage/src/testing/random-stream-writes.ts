/** Changes of all kinds to a stream, from a seed. */
import { type Random, Request, randomBelow } from '@holdfast/common';
import type { StreamConsumer, StreamGroup } from '../values/stream-group.js';
import { StreamId } from '../values/stream-id.js';
import { StreamIds } from '../values/stream-ids.js';
import { TrimRule } from '../values/stream-trim.js';
import type { StreamValue } from '../values/stream-value.js';
import { nextIds } from './stream-text.js';

/** Makes one change, or a few entries. */
export function changeStream(stream: StreamValue, random: Random, value: string): void {
  const below = (bound: number): number => randomBelow(random, bound);
  const dice = below(16);
  if (dice < 7 || stream.lastId.isZero) append(stream, below(8) === 0 ? 150 : 1 + below(3), below(3), value);
  else if (dice < 9) stream.delete(someIds(stream, random));
  else if (dice < 10) trim(stream, below);
  else if (dice < 11)
    stream.setState(idAfter(stream, below(3)), stream.entriesAdded + below(3), stream.maxDeletedId);
  else changeGroup(stream, random);
}

function append(stream: StreamValue, count: number, step: number, value: string): void {
  const bytes = Buffer.from(value.slice(0, 2000), 'latin1');
  for (let i = 0; i < count; i++) {
    const fields = Request.of('field', bytes, i % 4 === 3 ? 'odd' : 'number', String(i));
    stream.append(idAfter(stream, step + 1), fields, 0, 4);
  }
}

function idAfter({ lastId }: StreamValue, steps: number): StreamId {
  const id = new StreamId().copy(lastId);
  for (let i = 0; i < steps; i++) id.increment();
  return id;
}

/** Ids not far below the last one: most of them of entries. */
function someIds({ lastId }: StreamValue, random: Random): StreamIds {
  const ids = new StreamIds();
  for (let left = 1 + randomBelow(random, 4); left > 0; left--) {
    const id = new StreamId().copy(lastId);
    for (let back = randomBelow(random, 400); back > 0; back--) id.decrement();
    ids.push(id);
  }
  return ids;
}

function trim(stream: StreamValue, below: (bound: number) => number): void {
  const rule = new TrimRule();
  rule.length = below(stream.size + 1);
  rule.isApproximate = below(2) === 0;
  stream.trim(rule);
}

function changeGroup(stream: StreamValue, random: Random): void {
  const below = (bound: number): number => randomBelow(random, bound);
  const name = `group ${below(2)}`;
  const group = stream.group(Buffer.from(name), 0, name.length);
  if (group === null) {
    stream.createGroup(name, below(2) === 0 ? new StreamId() : stream.firstId, below(50) - 1);
    return;
  }
  const dice = below(12);
  if (dice === 0) stream.destroyGroup(group);
  else if (dice === 1) stream.setGroup(group, stream.firstId, -1);
  else if (dice < 9) changePending(stream, group, consumerOf(stream, group, below(3)), random);
  else if (dice < 10) stream.removeConsumer(group, consumerOf(stream, group, below(3)));
  else stream.acknowledge(group, pendingIds(group, random));
}

function consumerOf(stream: StreamValue, group: StreamGroup, n: number): StreamConsumer {
  const name = `consumer ${n}`;
  return group.consumer(Buffer.from(name), 0, name.length) ?? stream.createConsumer(group, name, n);
}

function changePending(
  stream: StreamValue,
  group: StreamGroup,
  consumer: StreamConsumer,
  random: Random,
): void {
  const below = (bound: number): number => randomBelow(random, bound);
  const next = nextIds(stream, group, 1 + below(60));
  if (next.count > 0 && below(4) > 0) {
    stream.deliver(group, consumer, next, below(10_000), below(1000), below(6) > 0);
    return;
  }
  const ids = someIds(stream, random);
  for (let i = 0; i < ids.count; i++) {
    stream.claim(group, consumer, ids.read(i, new StreamId()), below(10_000), below(20));
  }
  stream.setActive(group, consumer, below(10_000));
}

function pendingIds({ pending }: StreamGroup, random: Random): StreamIds {
  const ids = new StreamIds();
  for (let ref = pending.first(); ref !== 0; ref = pending.next()) {
    if (randomBelow(random, 3) === 0) ids.push(pending.readId(ref, new StreamId()));
  }
  return ids;
}
