import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
const syntaxError = new Error('ERR syntax error');
const notADouble = new Error('ERR value is not a valid float');
const notDecodable = new Error('ERR could not decode requested zset member');
const unknownUnit = new Error('ERR unsupported unit provided. please use M, KM, FT, MI');

let server: LocalServer;
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
  c.line('LPUSH list a');
  c.line('GEOADD sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania');
});

/** Each line's command has the reply beside it. */
describe('GEOADD', () => {
  it('gives points the scores of Redis, and obeys its options', () => {
    c.expectReplies([
      ['ZSCORE sicily Palermo', 3479099956230698],
      ['ZSCORE sicily Catania', 3479447370796909],
      ['GEOADD sicily NX 0 0 Palermo 0 0 x', 1],
      ['GEOADD sicily XX 0 0 Palermo 0 0 y', 0],
      ['GEOADD sicily XX CH 1 1 Palermo 0 0 y', 1],
      ['GEOADD sicily CH 1 1 Palermo 1 1 y', 1],
      ['ZCARD sicily', 4],
      ['GEOADD missing XX 0 0 x', 0],
      ['EXISTS missing', 0],
    ]);
  });

  it('takes the ends of the ranges, and nothing beyond', () => {
    c.expectReplies([
      ['GEOADD g 180 85.05112878 a -180 -85.05112878 b', 2],
      ['ZSCORE g b', 0],
      ['GEOADD g 180.1 0 c', new Error('ERR invalid longitude,latitude pair 180.100000,0.000000')],
      ['GEOADD g 0 -inf c', new Error('ERR invalid longitude,latitude pair 0.000000,-inf')],
      ['GEOADD g x 0 c', notADouble],
      ['GEOADD g 0 0 c 200 0 d', new Error('ERR invalid longitude,latitude pair 200.000000,0.000000')],
      ['ZCARD g', 2],
      ['GEOADD g NX XX 0 0 c', syntaxError],
      ['GEOADD g 0 0 c 0 0', syntaxError],
      ['GEOADD list 0 0 c', wrongType],
    ]);
  });
});

describe('GEODIST, GEOPOS and GEOHASH', () => {
  it('say where members are', () => {
    c.expectReplies([
      ['GEODIST sicily Palermo Catania', '166274.1516'],
      ['GEODIST sicily Palermo Catania km', '166.2742'],
      ['GEODIST sicily Palermo Catania MI', '103.3182'],
      ['GEODIST sicily Palermo Palermo ft', '0.0000'],
      ['GEODIST sicily Palermo nobody', null],
      ['GEODIST missing a b', null],
      ['GEODIST sicily Palermo Catania parsec', unknownUnit],
      ['GEODIST sicily Palermo Catania m x', syntaxError],
      ['GEODIST list a b', wrongType],
      ['GEOPOS sicily Palermo nobody', [[13.361389338970184, 38.1155563954963], null]],
      ['GEOPOS missing a', [null]],
      ['GEOPOS sicily', []],
      ['GEOHASH sicily Palermo nobody Catania', ['sqc8b49rny0', null, 'sqdtr74hyu0']],
      ['GEOHASH missing', []],
    ]);
  });

  it('take any score for a point', () => {
    c.line('ZADD g -inf a -1 b 1.5 c 9007199254740993 d inf e 1e19 f');
    const positions = c.line('GEOPOS g a b c d e f') as [number, number][];
    expect(positions.map(([longitude]) => Math.abs(longitude) <= 180)).not.toContain(false);
  });
});

describe('GEOSEARCH', () => {
  it('finds what is within a circle or a box', () => {
    c.expectReplies([
      ['GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC', ['Catania', 'Palermo']],
      ['GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 1', ['Palermo']],
      ['GEOSEARCH sicily BYBOX 400 400 km FROMLONLAT 15 37 asc', ['Catania', 'Palermo']],
      ['GEOSEARCH sicily FROMMEMBER Palermo BYRADIUS 0 m', ['Palermo']],
      ['GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1', ['Catania']],
      ['GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 1 m', []],
      ['GEOSEARCH missing FROMLONLAT 15 37 BYRADIUS 200 km', []],
      ['GEOSEARCH missing FROMMEMBER x BYRADIUS 200 km', []],
      [
        'GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST WITHHASH WITHCOORD ASC COUNT 1',
        [['Catania', '56.4413', 3479447370796909, [15.087267458438873, 37.50266842333162]]],
      ],
    ]);
    const any = c.line('GEOSEARCH sicily FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY');
    expect(['Catania', 'Palermo']).toContainEqual((any as string[])[0]);
  });

  it('says what is wrong in the order of Redis', () => {
    const by = 'BYRADIUS 1 km';
    const from = 'FROMLONLAT 0 0';
    c.expectReplies([
      [`GEOSEARCH list ${from} ${by}`, wrongType],
      [`GEOSEARCH sicily FROMMEMBER nobody ${by}`, notDecodable],
      [`GEOSEARCH sicily ${from} FROMMEMBER Palermo ${by}`, syntaxError],
      [`GEOSEARCH sicily ${from} ${by} BYBOX 1 1 km`, syntaxError],
      ['GEOSEARCH sicily FROMLONLAT 0 0 BYRADIUS x km', new Error('ERR need numeric radius')],
      ['GEOSEARCH sicily FROMLONLAT 0 0 BYRADIUS -1 km', new Error('ERR radius cannot be negative')],
      ['GEOSEARCH sicily FROMLONLAT 0 0 BYRADIUS 1 x', unknownUnit],
      ['GEOSEARCH sicily FROMLONLAT 0 0 BYBOX x 1 km', new Error('ERR need numeric width')],
      ['GEOSEARCH sicily FROMLONLAT 0 0 BYBOX 1 x km', new Error('ERR need numeric height')],
      ['GEOSEARCH sicily FROMLONLAT 0 0 BYBOX 1 -1 km', new Error('ERR height or width cannot be negative')],
      [`GEOSEARCH sicily ${from} ${by} COUNT 0`, new Error('ERR COUNT must be > 0')],
      [`GEOSEARCH sicily ${from} ${by} ANY`, new Error('ERR the ANY argument requires COUNT argument')],
      [`GEOSEARCH sicily ${from} ${by} STOREDIST`, syntaxError],
      [
        `GEOSEARCH sicily ${by} ASC WITHDIST`,
        new Error('ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH'),
      ],
      [
        `geosearch sicily ${from} ASC WITHDIST`,
        new Error('ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch'),
      ],
    ]);
  });

  it('finds what a walk over all members finds', () => {
    const { random } = server.env;
    const uniform = (from: number, to: number): number => from + (random.uint32() / 2 ** 32) * (to - from);
    for (let i = 0; i < 500; i++) c.run('GEOADD', 'g', uniform(-20, 20), uniform(30, 70), `m${i}`);
    for (let round = 0; round < 50; round++) {
      const center = `m${round}`;
      const km = uniform(1, 2000);
      const near = c.run('GEOSEARCH', 'g', 'FROMMEMBER', center, 'BYRADIUS', km, 'km') as string[];
      const expected: string[] = [];
      for (let i = 0; i < 500; i++) {
        if (Number(c.run('GEODIST', 'g', center, `m${i}`)) <= km * 1000) expected.push(`m${i}`);
      }
      expect(near.toSorted()).toEqual(expected.toSorted());
    }
  });
});

describe('GEOSEARCHSTORE and GEORADIUS', () => {
  it('store members with their scores or distances, or remove what was there', () => {
    c.expectReplies([
      ['GEOSEARCHSTORE d sicily FROMLONLAT 15 37 BYRADIUS 200 km', 2],
      ['ZRANGE d 0 -1 WITHSCORES', ['Palermo', 3479099956230698, 'Catania', 3479447370796909]],
      ['GEOSEARCHSTORE list sicily FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST', 1],
      ['ZRANGE list 0 -1', ['Catania']],
      ['GEOSEARCHSTORE d sicily FROMLONLAT 15 37 BYRADIUS 1 km', 0],
      ['EXISTS d', 0],
      ['GEORADIUS sicily 15 37 200 km STORE d', 2],
      ['GEORADIUSBYMEMBER missing x 200 km STORE d', 0],
      ['EXISTS d', 0],
      [
        'GEOSEARCHSTORE d sicily FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST',
        new Error('ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options'),
      ],
      [
        'GEORADIUS sicily 15 37 200 km WITHDIST STORE d',
        new Error(
          'ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
        ),
      ],
    ]);
    const distance = Number(
      c.line('GEORADIUS sicily 15 37 200 km STOREDIST d') && c.line('ZSCORE d Catania'),
    );
    expect(distance).toBeCloseTo(56.4413, 4);
  });

  it('search from a point or a member', () => {
    c.expectReplies([
      ['GEORADIUS sicily 15 37 200 km ASC', ['Catania', 'Palermo']],
      [
        'GEORADIUS_RO sicily 15 37 200 km WITHDIST DESC',
        [
          ['Palermo', '190.4424'],
          ['Catania', '56.4413'],
        ],
      ],
      ['GEORADIUS_RO sicily 15 37 200 km STORE d', syntaxError],
      ['GEORADIUSBYMEMBER sicily Palermo 170 km ASC', ['Palermo', 'Catania']],
      ['GEORADIUSBYMEMBER_RO sicily nobody 170 km', notDecodable],
      ['GEORADIUSBYMEMBER_RO missing nobody nonsense nonsense', []],
      ['COMMAND GETKEYS GEORADIUS sicily 15 37 200 km STORE d', ['sicily', 'd']],
    ]);
  });

  it('publish the events of Redis', () => {
    c.line('CONFIG SET notify-keyspace-events KEA');
    const listener = server.client(3);
    listener.line('PSUBSCRIBE __keyevent@0__:*');
    listener.take();
    for (const line of [
      'GEOADD g 0 0 a',
      'GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km',
      'GEORADIUS g 0 0 1 km STORE e',
      'GEOSEARCHSTORE d missing FROMLONLAT 0 0 BYRADIUS 1 km',
    ]) {
      c.line(line);
    }
    const events: Plain[] = [];
    for (let message = listener.take(); message !== undefined; message = listener.take()) {
      events.push((message as Plain[]).slice(2).join(' ').replace('__keyevent@0__:', ''));
    }
    expect(events).toEqual(['zadd g', 'geosearchstore d', 'georadiusstore e', 'del d']);
  });
});
