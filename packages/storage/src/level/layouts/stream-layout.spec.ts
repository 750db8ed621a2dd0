import { Request } from '@holdfast/common';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../../testing/digest.js';
import { beginLevelLife } from '../../testing/level-life.js';
import { SimulatedContent } from '../../testing/simulated-ordered-store.js';
import { nextIds } from '../../testing/stream-text.js';
import { StreamId } from '../../values/stream-id.js';
import { TrimRule } from '../../values/stream-trim.js';
import type { StreamValue } from '../../values/stream-value.js';

/** How many element records there are. */
function elementCount({ entries }: SimulatedContent): number {
  return [...entries.keys()].filter((name) => name.startsWith('e')).length;
}

function append(stream: StreamValue, count: number): void {
  const id = new StreamId();
  for (let i = 0; i < count; i++) {
    id.copy(stream.lastId).increment();
    stream.append(id, Request.of('field', `value ${i}`), 0, 2);
  }
}

describe('a stream on the disk', () => {
  it('writes one node when an entry is added, and loses nodes when it is trimmed', async () => {
    const content = new SimulatedContent();
    const { storage, driver } = await beginLevelLife(content);
    driver.change('stream', 's', (stream) => append(stream, 2050));
    driver.settle();
    await storage.flush();
    const before = new Map(content.entries);
    expect(elementCount(content)).toBe(22);
    driver.change('stream', 's', (stream) => append(stream, 1));
    driver.settle();
    await storage.flush();
    const changed = [...content.entries].filter(([name, value]) => before.get(name) !== value);
    // The node, the stream's state, the head, the storage's state, and its mark.
    expect(changed.map(([name]) => name[0]).sort()).toEqual(['d', 'e', 'e', 'm', 'm']);
    driver.change('stream', 's', (stream) => {
      const rule = new TrimRule();
      rule.length = 51;
      stream.trim(rule);
    });
    driver.settle();
    await storage.flush();
    expect(elementCount(content)).toBe(2);
  });

  it('is found under the new name of its key when that was renamed before it was written', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    first.driver.change('stream', 's', (stream) => append(stream, 1));
    first.driver.rename('s', 'renamed');
    first.driver.settle();
    await first.storage.flush();
    const { storage } = await beginLevelLife(content, first.driver.log);
    expect(storage.durablePosition).toBe(first.driver.log.length);
    expect(await stateOf(storage)).toEqual(await stateOf(first.storage));
  });

  it('forgets a group that had more pending than is named', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    first.driver.change('stream', 's', (stream) => {
      append(stream, 17_000);
      stream.createGroup('g', new StreamId(), 0);
      const [group] = stream.groups;
      stream.deliver(
        group,
        stream.createConsumer(group, 'c', 1),
        nextIds(stream, group, 17_000),
        2,
        17_000,
        true,
      );
    });
    first.driver.settle();
    await first.storage.flush();
    expect(elementCount(content)).toBe(17_000 + 170 + 3);
    first.driver.change('stream', 's', (stream) => stream.destroyGroup(stream.groups[0]));
    first.driver.settle();
    await first.storage.flush();
    const { storage } = await beginLevelLife(content, first.driver.log);
    expect(await stateOf(storage)).toEqual(await stateOf(first.storage));
  });
});
