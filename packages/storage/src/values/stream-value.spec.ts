import { Request } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyKey } from '../copy-key.js';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter } from '../mutation.js';
import { entryText, entryTexts, idOf, nextIds, streamTexts } from '../testing/stream-text.js';
import { putNew, versionedStorage } from '../testing/versioned-storage.js';
import { encodingLimits } from './encoding-limits.js';
import { StreamCursor } from './stream-cursor.js';
import type { StreamConsumer, StreamGroup } from './stream-group.js';
import { StreamId } from './stream-id.js';
import { StreamIds } from './stream-ids.js';
import { TrimRule } from './stream-trim.js';
import { StreamValue } from './stream-value.js';

const key = Buffer.from('stream');
const cursor = new StreamCursor();

class Fixture {
  readonly storage: MemoryStorage;
  readonly stream: StreamValue;
  readonly emptyBytes: number;

  constructor(seed = 1) {
    this.storage = versionedStorage(seed);
    this.storage.journal = new MutationWriter();
    this.stream = putNew(this.storage, key, (db) => new StreamValue(db));
    this.emptyBytes = this.usedBytes;
  }

  append(id: string | StreamId, ...fields: (string | Buffer)[]): void {
    const request = Request.of(...fields);
    this.stream.append(typeof id === 'string' ? idOf(id) : id, request, 0, request.count);
  }

  trim(rule: Partial<Pick<TrimRule, 'length' | 'isApproximate' | 'limit'>>, id = '0-0'): number {
    const whole = Object.assign(new TrimRule(), rule);
    whole.id.copy(idOf(id));
    return this.stream.trim(whole);
  }

  delete(...ids: string[]): number {
    return this.stream.delete(StreamIds.of(...ids.map(idOf)));
  }

  group(name = 'g', from = '0-0'): StreamGroup {
    this.stream.createGroup(name, idOf(from), 0);
    return this.stream.group(Buffer.from(name), 0, name.length)!;
  }

  /** What another storage has after the mutations so far. */
  replay(): StreamValue {
    const { bytes, length } = this.storage.journal!;
    return replay(bytes.subarray(0, length));
  }

  /** What another storage has after a description. */
  described(): StreamValue {
    const writer = new MutationWriter();
    this.stream.describe(writer);
    return replay(writer.bytes.subarray(0, writer.length));
  }

  get usedBytes(): number {
    return this.storage.database(0).arena.usedBytes;
  }
}

function replay(batch: Uint8Array): StreamValue {
  const storage = new MemoryStorage(new SeededRandom(2));
  storage.apply(batch, 1);
  const db = storage.database(0);
  return db.collection(db.find(key, 0, key.length)) as StreamValue;
}

function namesOf(consumers: readonly StreamConsumer[]): string[] {
  return consumers.map(({ name }) => name);
}

const limits = { ...encodingLimits };

afterEach(() => {
  Object.assign(encodingLimits, limits);
});

describe('StreamValue', () => {
  let fixture: Fixture;
  let stream: StreamValue;

  beforeEach(() => {
    fixture = new Fixture();
    stream = fixture.stream;
  });

  it('keeps entries with the fields they came with', () => {
    fixture.append('1-1', 'name', 'a', 'age', '7');
    fixture.append('1-2', 'name', 'b', 'age', '-140737488355327');
    fixture.append('2-0', 'other', '', '', 'x');
    fixture.append('3-9', 'name', '007', 'age', '1e3');
    expect(entryTexts(stream)).toEqual([
      '1-1 name=a age=7',
      '1-2 name=b age=-140737488355327',
      '2-0 other= =x',
      '3-9 name=007 age=1e3',
    ]);
    expect(stream.nodes.length).toBe(1);
  });

  it('keeps values of any length, huge ones in a node of their own', () => {
    const lengths = [0, 1, 199, 200, 255, 65535, 65536, 600_000, (1 << 20) - 100, 1 << 20, 3_000_000];
    for (const [i, length] of lengths.entries()) {
      fixture.append(`${i + 1}-0`, 'f', Buffer.alloc(length, 97 + i), 'g', 'small');
      fixture.append(`${i + 1}-1`, 'f', String(length), 'g', 'small');
    }
    const texts = entryTexts(stream);
    for (const [i, length] of lengths.entries()) {
      expect(texts[2 * i].length).toBe(`${i + 1}-0 f= g=small`.length + length);
      expect(texts[2 * i + 1]).toBe(`${i + 1}-1 f=${length} g=small`);
    }
    expect(stream.release(Number.POSITIVE_INFINITY)).toBe(true);
    expect(fixture.usedBytes).toBe(fixture.emptyBytes);
  });

  it('takes about the bytes that Redis takes for the same entries, or fewer', () => {
    for (let i = 0; i < 10_000; i++) {
      fixture.append(
        `${1700000000000 + i * 7}-0`,
        'temperature',
        String(200 + (i % 50)),
        'sensor',
        `s${i % 10}`,
      );
    }
    // Redis: 16 bytes of head, id and tail, 3 + 2 + 1 for the number, 2 + 1 for the text; 1,000 nodes of 40.
    expect((fixture.usedBytes - fixture.emptyBytes) / 10_000).toBeLessThan(16);
  });

  it('opens nodes where Redis does', () => {
    for (let i = 0; i < 250; i++) fixture.append(`${i + 1}-0`, 'f', 'v');
    expect(stream.nodes.length).toBe(3);
    encodingLimits.streamNodeEntries = 0;
    encodingLimits.streamNodeBytes = 0;
    for (let i = 250; i < 1000; i++) fixture.append(`${i + 1}-0`, 'f', 'v');
    expect(stream.nodes.length).toBe(3);
    encodingLimits.streamNodeBytes = 100;
    for (let i = 1000; i < 1010; i++) fixture.append(`${i + 1}-0`, 'field', 'v'.repeat(30));
    expect(stream.nodes.length).toBe(8);
  });

  it('finds entries from either end, and from between', () => {
    for (let i = 1; i <= 1000; i++) fixture.append(`${i * 10}-5`, 'f', String(i));
    const found = (isFrom: boolean, id: string): string | null => {
      const isThere = isFrom ? cursor.seekFrom(stream, idOf(id)) : cursor.seekTo(stream, idOf(id));
      return isThere ? String(cursor.id) : null;
    };
    expect(found(true, '0-0')).toBe('10-5');
    expect(found(true, '500-5')).toBe('500-5');
    expect(found(true, '500-6')).toBe('510-5');
    expect(found(true, '1010-0')).toBe('1010-5');
    expect(found(true, '10000-6')).toBeNull();
    expect(found(false, '10-4')).toBeNull();
    expect(found(false, '18446744073709551615-0')).toBe('10000-5');
    expect(found(false, '504-0')).toBe('500-5');
    expect(found(false, '1010-4')).toBe('1000-5');
  });

  it('counts what is in a range, up to a maximum', () => {
    for (let i = 1; i <= 1000; i++) fixture.append(`${i}-0`, 'f', 'v');
    fixture.delete('500-0', '501-0', '100-0', '101-0');
    const count = (from: string, to: string, max = 1e9): number => {
      return cursor.seekFrom(stream, idOf(from)) ? cursor.countTo(idOf(to), max) : 0;
    };
    expect(count('0', '2000')).toBe(996);
    expect(count('0', '2000', 7)).toBe(7);
    expect(count('99', '102')).toBe(2);
    expect(count('450', '650')).toBe(199);
    expect(count('100', '101')).toBe(0);
    expect(count('1', '1')).toBe(1);
    expect(count('250', '900')).toBe(649);
  });

  it('marks what is deleted, and frees a node with its last entry', () => {
    for (let i = 1; i <= 300; i++) fixture.append(`${i}-0`, 'f', 'v');
    expect(fixture.delete('1-0', '1-0', '7-7', '300-0')).toBe(2);
    expect([stream.size, String(stream.firstId), String(stream.lastId)]).toEqual([298, '2-0', '300-0']);
    expect(String(stream.maxDeletedId)).toBe('300-0');
    for (let i = 101; i <= 200; i++) fixture.delete(`${i}-0`);
    expect([stream.size, stream.nodes.length]).toEqual([198, 2]);
    expect(cursor.seekTo(stream, idOf('150'))).toBe(true);
    expect(String(cursor.id)).toBe('100-0');
    for (let i = 1; i <= 300; i++) fixture.delete(`${i}-0`);
    expect([stream.size, stream.nodes.length, String(stream.firstId)]).toEqual([0, 0, '0-0']);
    fixture.append('301-0', 'f', 'v');
    expect([stream.entriesAdded, String(stream.firstId)]).toEqual([301, '301-0']);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
  });

  it('is trimmed to a length, exactly or by nodes', () => {
    for (let i = 1; i <= 450; i++) fixture.append(`${i}-0`, 'f', 'v');
    expect(fixture.trim({ length: 449 })).toBe(1);
    expect(fixture.trim({ length: 449 })).toBe(0);
    expect(fixture.trim({ length: 355, isApproximate: true })).toBe(0);
    expect(fixture.trim({ length: 350, isApproximate: true })).toBe(99);
    expect(fixture.trim({ length: 0, isApproximate: true, limit: 120 })).toBe(100);
    expect(fixture.trim({ length: 0, isApproximate: true, limit: 99 })).toBe(0);
    expect(fixture.trim({ length: 120 })).toBe(130);
    expect([stream.size, String(stream.firstId), stream.nodes.length]).toEqual([120, '331-0', 2]);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
    expect(fixture.trim({ length: 0 })).toBe(120);
    expect([stream.size, String(stream.firstId), String(stream.lastId)]).toEqual([0, '0-0', '450-0']);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
  });

  it('is trimmed to an id, exactly or by nodes', () => {
    for (let i = 1; i <= 450; i++) fixture.append(`${i}-0`, 'f', 'v');
    expect(fixture.trim({}, '1-0')).toBe(0);
    expect(fixture.trim({}, '51-0')).toBe(50);
    expect(fixture.trim({ isApproximate: true }, '100-1')).toBe(50);
    expect(fixture.trim({ isApproximate: true }, '200-0')).toBe(0);
    expect(fixture.trim({}, '250-5')).toBe(150);
    expect([stream.size, String(stream.firstId)]).toEqual([200, '251-0']);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
    expect(fixture.trim({}, '1000')).toBe(200);
    expect(stream.nodes.length).toBe(0);
  });

  it('delivers to consumers, who acknowledge, claim and go', () => {
    for (let i = 1; i <= 10; i++) fixture.append(`${i}-0`, 'f', 'v');
    const group = fixture.group();
    const [zoe, adam] = ['zoe', 'adam'].map((name) => stream.createConsumer(group, name, 1000));
    expect(namesOf(group.consumers)).toEqual(['adam', 'zoe']);
    stream.deliver(group, zoe, nextIds(stream, group, 3), 1001, 3, true);
    stream.deliver(group, adam, nextIds(stream, group, 2), 1002, 5, true);
    stream.deliver(group, adam, nextIds(stream, group, 1), 1003, 6, false);
    expect([String(group.lastId), group.pending.size, zoe.pending.size]).toEqual(['6-0', 5, 3]);
    expect([zoe.activeMs, adam.activeMs, adam.seenMs]).toEqual([1001, 1002, 1003]);
    expect(stream.acknowledge(group, StreamIds.of(idOf('2-0'), idOf('2-0'), idOf('9-0')))).toBe(1);
    stream.claim(group, adam, idOf('1-0'), 2000, 7);
    stream.claim(group, adam, idOf('9-0'), 2000, 2 ** 48);
    expect([zoe.pending.size, adam.pending.size]).toEqual([1, 4]);
    const first = adam.pending.first();
    expect([group.timeOf(first), group.countOf(first), group.ownerOf(first)]).toEqual([2000, 7, adam]);
    expect(group.countOf(adam.pending.last())).toBe(2 ** 48 - 1);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
    expect(streamTexts(fixture.described())).toEqual(streamTexts(stream));
    expect(stream.removeConsumer(group, zoe)).toBe(1);
    expect(group.pending.size).toBe(4);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
    stream.destroyGroup(group);
    expect(stream.groups).toEqual([]);
    expect(streamTexts(fixture.replay())).toEqual(streamTexts(stream));
  });

  it('tells nobody what its groups do and what is said of its past, but who waits of the end of a group', () => {
    let changes = 0;
    let signals = 0;
    fixture.storage.observer = { changed: () => changes++, ready: () => signals++, replaced: () => {} };
    const versionOf = (): number => fixture.storage.database(0).version(stream.ref);
    fixture.append('1-0', 'f', 'v');
    expect(changes).toBe(1);
    fixture.storage.stamp.reset();
    const before = versionOf();
    const group = fixture.group();
    const consumer = stream.createConsumer(group, 'c', 0);
    stream.deliver(group, consumer, nextIds(stream, group, 1), 1, 1, true);
    stream.acknowledge(group, StreamIds.of(idOf('1-0')));
    stream.setState(idOf('9-0'), 5, idOf('0-0'));
    expect([changes, signals]).toEqual([1, 0]);
    expect(versionOf()).toBeGreaterThan(before);
    stream.destroyGroup(group);
    expect([changes, signals]).toEqual([1, 1]);
  });

  it('is copied as it is', () => {
    for (let i = 1; i <= 250; i++) fixture.append(`${i}-0`, 'f', `v${i}`);
    fixture.delete('7-0');
    const group = fixture.group();
    stream.deliver(group, stream.createConsumer(group, 'c', 5), nextIds(stream, group, 120), 6, 120, true);
    const db = fixture.storage.database(0);
    const copy = Buffer.from('copy');
    const ref = copyKey(db, db.find(key, 0, key.length), db, copy, 0, copy.length);
    const copied = db.collection(ref) as StreamValue;
    expect(streamTexts(copied)).toEqual(streamTexts(stream));
    copied.append(idOf('251-0'), Request.of('f', 'v'), 0, 2);
    expect(stream.size).toBe(249);
  });

  it('gives its memory back bit by bit', () => {
    for (let i = 1; i <= 3000; i++) fixture.append(`${i}-0`, 'f', 'v');
    const group = fixture.group();
    stream.deliver(group, stream.createConsumer(group, 'a', 5), nextIds(stream, group, 1000), 6, 1000, true);
    stream.deliver(group, stream.createConsumer(group, 'b', 5), nextIds(stream, group, 1000), 6, 1000, true);
    let steps = 1;
    while (!stream.release(100)) steps++;
    expect(steps).toBeGreaterThan(40);
    expect(fixture.usedBytes).toBe(fixture.emptyBytes);
  });

  it('tolerates mutations that do not fit its state, reading all of their fields', () => {
    for (let i = 1; i <= 120; i++) fixture.append(`${i}-0`, 'f', 'v');
    const start = fixture.storage.journal!.length;
    fixture.append('121-0', 'f', 'v');
    fixture.delete('3-0', '50-0');
    fixture.trim({ length: 10 });
    const group = fixture.group('other');
    stream.destroyGroup(group);
    fixture.append('500-0', 'last', 'one');
    const { bytes, length } = fixture.storage.journal!;
    const rest = replay(bytes.subarray(start, length));
    expect(entryTexts(rest)).toEqual([]);
    expect(rest.groups).toEqual([]);
  });
});

describe('StreamValue against an array', () => {
  it.each([1, 2, 3, 4])('keeps what it is told, in its mutations and descriptions too (seed %i)', (seed) => {
    Object.assign(encodingLimits, { streamNodeEntries: 12, streamNodeBytes: seed % 2 === 0 ? 300 : 4096 });
    new ModelRun(seed).run(700);
  });
});

interface ModelEntry {
  id: StreamId;
  text: string;
}

/** A stream beside an array of its entries, and maps of what is pending. */
class ModelRun {
  readonly #random: SeededRandom;
  readonly #fixture: Fixture;
  readonly #last = new StreamId();
  readonly #groups = new Map<string, Map<string, string>>();
  #entries: ModelEntry[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#fixture = new Fixture(seed);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#change();
      this.#look();
      if (step % 100 === 0) this.#compare(`step ${step}`);
    }
    this.#compare('the end');
    const { stream } = this.#fixture;
    expect(streamTexts(this.#fixture.replay())).toEqual(streamTexts(stream));
    expect(streamTexts(this.#fixture.described())).toEqual(streamTexts(stream));
    stream.release(Number.POSITIVE_INFINITY);
    expect(this.#fixture.usedBytes).toBe(this.#fixture.emptyBytes);
  }

  #below(bound: number): number {
    return this.#random.uint32() % bound;
  }

  #change(): void {
    const dice = this.#below(20);
    if (dice < 9) for (let left = 1 + this.#below(6); left > 0; left--) this.#append();
    else if (dice < 12) this.#delete();
    else if (dice < 13) this.#trim();
    else if (dice < 14) this.#changeGroup();
    else this.#changePending();
  }

  #nextId(): StreamId {
    const dice = this.#below(40);
    if (dice < 20) this.#last.increment();
    else if (dice < 39) {
      const ms = this.#last.msLow + 1 + this.#below(1000);
      this.#last.set(this.#last.msHigh + (dice === 38 ? 3 : 0), ms, 0, this.#below(3));
    } else
      this.#last.set(this.#last.msHigh, this.#last.msLow + 1, this.#random.uint32(), this.#random.uint32());
    return new StreamId().copy(this.#last);
  }

  #append(): void {
    const names = this.#below(5) === 0 ? ['x', String(this.#below(3))] : ['name', 'value'];
    const values = names.map(() => this.#value());
    const id = this.#nextId();
    const fields = names.flatMap((name, i) => [name, values[i]]);
    this.#fixture.append(id, ...fields.map((field) => Buffer.from(field, 'latin1')));
    const text = `${id} ${names.map((name, i) => `${name}=${values[i]}`).join(' ')}`;
    this.#entries.push({ id, text });
  }

  #value(): string {
    const dice = this.#below(10);
    if (dice < 3) return String((this.#below(2) * 2 - 1) * Math.floor(2 ** this.#below(52) * 0.9));
    if (dice < 4) return 'y'.repeat(this.#below(300));
    return String.fromCharCode(this.#below(256)).repeat(this.#below(20));
  }

  #anyId(): StreamId {
    if (this.#entries.length === 0 || this.#below(8) === 0) return idOf(String(this.#below(100_000)));
    return this.#entries[this.#below(this.#entries.length)].id;
  }

  #delete(): void {
    const ids = Array.from({ length: 1 + this.#below(4) }, () => this.#anyId());
    const before = this.#entries.length;
    this.#entries = this.#entries.filter(({ id }) => ids.every((each) => each.compare(id) !== 0));
    const deleted = this.#fixture.stream.delete(StreamIds.of(...ids));
    expect(deleted).toBe(before - this.#entries.length);
  }

  #trim(): void {
    const rule = new TrimRule();
    rule.isApproximate = this.#below(2) === 0;
    if (rule.isApproximate && this.#below(2) === 0) rule.limit = this.#below(30);
    if (this.#below(2) === 0) rule.length = Math.floor(this.#entries.length * (0.5 + this.#below(60) / 100));
    else rule.id.copy(this.#entries[this.#below(1 + (this.#entries.length >> 2))]?.id ?? this.#last);
    const wanted =
      rule.length >= 0
        ? Math.max(0, this.#entries.length - rule.length)
        : this.#entries.filter(({ id }) => id.compare(rule.id) < 0).length;
    const removed = this.#fixture.stream.trim(rule);
    if (rule.isApproximate) expect(removed).toBeLessThanOrEqual(wanted);
    else expect(removed).toBe(wanted);
    this.#entries.splice(0, removed);
  }

  #group(): { group: StreamGroup; model: Map<string, string> } | null {
    const { groups } = this.#fixture.stream;
    if (groups.length === 0) return null;
    const group = groups[this.#below(groups.length)];
    return { group, model: this.#groups.get(group.name)! };
  }

  #changeGroup(): void {
    const { stream } = this.#fixture;
    const name = `g${this.#below(3)}`;
    const group = stream.group(Buffer.from(name), 0, name.length);
    if (group === null) {
      stream.createGroup(name, this.#anyId(), this.#below(100) - 1);
      this.#groups.set(name, new Map());
    } else if (this.#below(6) === 0) {
      stream.destroyGroup(group);
      this.#groups.delete(name);
    } else if (this.#below(2) === 0) {
      stream.setGroup(group, this.#anyId(), -1);
    } else if (group.consumers.length > 0) {
      const consumer = group.consumers[this.#below(group.consumers.length)];
      const model = this.#groups.get(name)!;
      const mine = [...model].filter(([, owner]) => owner === consumer.name).map(([id]) => id);
      for (const id of mine) model.delete(id);
      expect(stream.removeConsumer(group, consumer)).toBe(mine.length);
    }
  }

  #consumer(group: StreamGroup): StreamConsumer {
    const name = `c${this.#below(5)}`;
    const found = group.consumer(Buffer.from(name), 0, name.length);
    return found ?? this.#fixture.stream.createConsumer(group, name, this.#below(1000));
  }

  #changePending(): void {
    const { stream } = this.#fixture;
    const chosen = this.#group();
    if (chosen === null) return this.#changeGroup();
    const { group, model } = chosen;
    const dice = this.#below(6);
    if (dice < 3) {
      const consumer = this.#consumer(group);
      const next = this.#entries.filter(({ id }) => id.compare(group.lastId) > 0);
      const count = Math.min(next.length, 1 + this.#below(20));
      if (count === 0) return;
      const isKept = this.#below(5) > 0;
      stream.deliver(
        group,
        consumer,
        nextIds(stream, group, count),
        this.#below(5000),
        this.#below(5000),
        isKept,
      );
      if (isKept) for (const { id } of next.slice(0, count)) model.set(String(id), consumer.name);
      return;
    }
    if (dice < 4) {
      const consumer = this.#consumer(group);
      const id = this.#anyId();
      stream.claim(group, consumer, id, this.#below(5000), this.#below(5000));
      stream.setActive(group, consumer, this.#below(5000));
      model.set(String(id), consumer.name);
      return;
    }
    const known = [...model.keys()];
    const ids = Array.from({ length: 1 + this.#below(15) }, () => {
      return known.length === 0 ? this.#anyId() : idOf(known[this.#below(known.length)]);
    });
    let removed = 0;
    for (const id of ids) if (model.delete(String(id))) removed++;
    expect(stream.acknowledge(group, StreamIds.of(...ids))).toBe(removed);
  }

  /** Seeks and counts somewhere. */
  #look(): void {
    const { stream } = this.#fixture;
    const [from, to] = [this.#anyId(), this.#anyId()];
    const inRange = this.#entries.filter(({ id }) => id.compare(from) >= 0 && id.compare(to) <= 0);
    const isThere = cursor.seekFrom(stream, from);
    const first = this.#entries.find(({ id }) => id.compare(from) >= 0);
    expect(isThere ? entryText(cursor) : undefined).toBe(first?.text);
    if (isThere && cursor.seekFrom(stream, from)) {
      expect(cursor.countTo(to, 1e9)).toBe(inRange.length);
      expect(entryText(cursor)).toBe(first?.text);
    }
    const last = this.#entries.findLast(({ id }) => id.compare(to) <= 0);
    expect(cursor.seekTo(stream, to) ? entryText(cursor) : undefined).toBe(last?.text);
  }

  #compare(moment: string): void {
    const { stream } = this.#fixture;
    const texts = this.#entries.map(({ text }) => text);
    expect(entryTexts(stream), moment).toEqual(texts);
    const backwards: string[] = [];
    if (cursor.seekTo(stream, new StreamId().toMax())) {
      do backwards.unshift(entryText(cursor));
      while (cursor.previous());
    }
    expect(backwards, moment).toEqual(texts);
    expect([stream.size, String(stream.lastId)]).toEqual([texts.length, String(this.#last)]);
    expect(String(stream.firstId)).toBe(String(this.#entries[0]?.id ?? '0-0'));
    for (const group of stream.groups) {
      const model = this.#groups.get(group.name)!;
      expect(group.pending.size).toBe(model.size);
      for (const [id, owner] of model) {
        expect(group.ownerOf(group.pending.find(idOf(id))).name).toBe(owner);
      }
    }
    streamTexts(stream);
  }
}
