/**
 * What a geo search is asked for: read from arguments, in the order of Redis, since they may name a member of the
 * set that is searched.
 */
import type { Request } from '@holdfast/common';
import type { ZSetValue } from '@holdfast/storage';
import { notAnInteger, syntaxError } from '../../grammar.js';
import { coordinates, notDecodable, readCoordinates, readUnit, unknownUnit } from './coordinates.js';
import { decode, point } from './geohash.js';
import { Shape } from './shape.js';

/** How a command of the family says where to search. */
export interface QueryForm {
  /** The argument of the key that is searched. */
  readonly source: number;
  /** Where the center and the radius stand, if they have their places. */
  readonly center: 'coordinates' | 'member' | 'options';
  /** The first argument that is an option. */
  readonly optionsAt: number;
  /** Whether the result may go to a key: as an option says, to the first key, or not at all. */
  readonly store: 'option' | 'first' | 'never';
}

export class GeoQuery {
  readonly shape: Shape = new Shape();
  withDistances = false;
  withHashes = false;
  withCoordinates = false;
  /** 1: the nearest first; -1: the furthest first; 0: as they are found. */
  order = 0;
  /** At most so many; 0 for all. */
  count = 0;
  /** Not those at the beginning of the order, but any. */
  isAny = false;
  /** The argument of the key that gets the result; 0 for none. */
  target = 0;
  storesDistances = false;
  readonly #request: Request;
  readonly #form: QueryForm;
  readonly #zset: ZSetValue | null;
  #center: 'member' | 'coordinates' | null = null;
  #extent: 'circle' | 'box' | null = null;

  /** `zset` is what is searched, null when there is no such key. */
  constructor(request: Request, form: QueryForm, zset: ZSetValue | null) {
    this.#request = request;
    this.#form = form;
    this.#zset = zset;
    if (form.store === 'first') this.target = 1;
  }

  /** Reads the arguments; what is wrong with them, or null. */
  parse(): string | null {
    const { center, optionsAt } = this.#form;
    let problem: string | null = null;
    if (center === 'coordinates') problem = this.#readCenter(2) ?? this.#readRadius(4);
    // Without the key there is nothing to measure from, and nothing is looked at but the options.
    else if (center === 'member' && this.#zset !== null) problem = this.#readMember(2) ?? this.#readRadius(3);
    for (let i = optionsAt; problem === null && i < this.#request.count; ) {
      const taken = this.#readOption(i);
      if (typeof taken === 'string') problem = taken;
      else i += taken;
    }
    return problem ?? this.#problemOfAll();
  }

  /** Reads the option at argument `i`: how many arguments it takes, or what is wrong with it. */
  #readOption(i: number): number | string {
    const request = this.#request;
    const left = request.count - i - 1;
    const isSearch = this.#form.center === 'options';
    if (request.is(i, 'WITHDIST')) this.withDistances = true;
    else if (request.is(i, 'WITHHASH')) this.withHashes = true;
    else if (request.is(i, 'WITHCOORD')) this.withCoordinates = true;
    else if (request.is(i, 'ANY')) this.isAny = true;
    else if (request.is(i, 'ASC')) this.order = 1;
    else if (request.is(i, 'DESC')) this.order = -1;
    else if (request.is(i, 'COUNT') && left >= 1) return this.#readCount(i + 1) ?? 2;
    else if (isSearch) return this.#readSearchOption(i, left);
    else return this.#readStore(i, left);
    return 1;
  }

  #readStore(i: number, left: number): number | string {
    const request = this.#request;
    const isDistance = request.is(i, 'STOREDIST');
    if (this.#form.store !== 'option' || left < 1 || !(isDistance || request.is(i, 'STORE')))
      return syntaxError;
    this.target = i + 1;
    this.storesDistances = isDistance;
    return 2;
  }

  #readSearchOption(i: number, left: number): number | string {
    const request = this.#request;
    if (request.is(i, 'STOREDIST') && this.#form.store === 'first') {
      this.storesDistances = true;
      return 1;
    }
    if (request.is(i, 'FROMMEMBER') && left >= 1 && this.#center !== 'coordinates') {
      this.#center = 'member';
      return this.#readMember(i + 1) ?? 2;
    }
    if (request.is(i, 'FROMLONLAT') && left >= 2 && this.#center !== 'member') {
      this.#center = 'coordinates';
      return this.#readCenter(i + 1) ?? 3;
    }
    if (request.is(i, 'BYRADIUS') && left >= 2 && this.#extent !== 'box') {
      this.#extent = 'circle';
      return this.#readRadius(i + 1) ?? 3;
    }
    if (request.is(i, 'BYBOX') && left >= 3 && this.#extent !== 'circle') {
      this.#extent = 'box';
      return this.#readBox(i + 1) ?? 4;
    }
    return syntaxError;
  }

  #readCount(i: number): string | null {
    this.count = this.#request.integer(i);
    if (this.count !== this.count) return notAnInteger;
    return this.count <= 0 ? 'ERR COUNT must be > 0' : null;
  }

  #readCenter(i: number): string | null {
    const problem = readCoordinates(this.#request, i);
    this.shape.longitude = coordinates.longitude;
    this.shape.latitude = coordinates.latitude;
    return problem;
  }

  #readMember(i: number): string | null {
    if (this.#zset === null) return null;
    const request = this.#request;
    const score = this.#zset.score(request.bytes, request.start(i), request.length(i));
    if (score !== score) return notDecodable;
    decode(score);
    this.shape.longitude = point.longitude;
    this.shape.latitude = point.latitude;
    return null;
  }

  #readRadius(i: number): string | null {
    const radius = this.#request.double(i);
    if (radius !== radius) return 'ERR need numeric radius';
    if (radius < 0) return 'ERR radius cannot be negative';
    this.shape.radius = radius;
    this.shape.isBox = false;
    return this.#readUnit(i + 1);
  }

  #readBox(i: number): string | null {
    const width = this.#request.double(i);
    const height = this.#request.double(i + 1);
    if (width !== width) return 'ERR need numeric width';
    if (height !== height) return 'ERR need numeric height';
    if (width < 0 || height < 0) return 'ERR height or width cannot be negative';
    this.shape.width = width;
    this.shape.height = height;
    this.shape.isBox = true;
    return this.#readUnit(i + 2);
  }

  #readUnit(i: number): string | null {
    this.shape.unit = readUnit(this.#request, i);
    return this.shape.unit !== this.shape.unit ? unknownUnit : null;
  }

  /** What is wrong with arguments that are all right by themselves, or null. */
  #problemOfAll(): string | null {
    const { center, store } = this.#form;
    const name = this.#request.text(0);
    if (this.target > 0 && (this.withDistances || this.withHashes || this.withCoordinates)) {
      const what = store === 'first' ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS';
      return `ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`;
    }
    if (center === 'options' && this.#center === null) {
      return `ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${name}`;
    }
    if (center === 'options' && this.#extent === null) {
      return `ERR exactly one of BYRADIUS and BYBOX can be specified for ${name}`;
    }
    return this.isAny && this.count === 0 ? 'ERR the ANY argument requires COUNT argument' : null;
  }
}
