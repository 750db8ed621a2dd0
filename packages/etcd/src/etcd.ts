/**
 * A client of etcd v3 that says what it does not know.
 *
 * A read may be repeated, so it is: on every endpoint in turn, until one answers. A change is sent once; when
 * it is not answered it is UNDETERMINED, and only the caller can find out, because only the caller knows what
 * a second one would do. See `errorOf` for what each error says.
 */
import { type Env, KvError, pause, randomBelow } from '@holdfast/common';
import { etcdserverpb, type TlsSource } from '@holdfast/rpc';
import { type Endpoint, Endpoints } from './endpoints.js';
import { type CallError, errorOf, isEndpointError, isTokenError } from './etcd-error.js';
import type { EtcdStore, Transaction } from './etcd-store.js';
import { LeaderSearch, type MemberWord } from './leader-search.js';
import { callTimeoutMsDefault, retryPauseMs, roundsMax } from './limits.js';
import { checkVersion, type VersionPolicy } from './versions.js';
import { type Watch, Watches, type WatchListener } from './watches.js';

const { KVService, MaintenanceService, ClusterService, LeaseService, AuthService } = etcdserverpb;

export interface EtcdOptions {
  /** `host:port` or `https://host:port` of one member or more. */
  readonly endpoints: readonly string[];
  readonly env: Env;
  readonly tls?: TlsSource;
  readonly user?: { readonly name: string; readonly password: string };
  /** How long one attempt of a call may take, in ms. */
  readonly callTimeoutMs?: number;
  /** What to do about an etcd that is not supported; 'warn' when not given. */
  readonly versionPolicy?: VersionPolicy;
  /** Something an operator should know. */
  readonly onWarning?: (message: string) => void;
}

/** One kind of call, as ts-proto describes it. */
interface Method<Q, R> {
  readonly path: string;
  readonly requestSerialize: (value: Q) => Buffer;
  readonly responseDeserialize: (value: Buffer) => R;
}

export class Etcd implements EtcdStore {
  readonly env: Env;
  readonly #endpoints: Endpoints;
  readonly #callTimeoutMs: number;
  readonly #user: EtcdOptions['user'];
  readonly #watches: Watches;
  readonly #search: LeaderSearch<Endpoint>;
  /** Of the user; and the question for the next one that is under way. */
  #token: string | null = null;
  #authenticating: Promise<void> | null = null;
  #isClosed = false;

  /** Connects, and checks the versions of the members that answer. Throws KvError UNAVAILABLE, INVALID. */
  static async open(options: EtcdOptions): Promise<Etcd> {
    const etcd = new Etcd(options);
    try {
      if (etcd.#user !== undefined) await etcd.#authenticate(null);
      await etcd.#lookAround(options);
      return etcd;
    } catch (error) {
      etcd.close();
      throw error;
    }
  }

  private constructor(options: EtcdOptions) {
    this.env = options.env;
    this.#endpoints = new Endpoints(options.endpoints, options.tls, options.env.timers);
    this.#callTimeoutMs = options.callTimeoutMs ?? callTimeoutMsDefault;
    this.#user = options.user;
    this.#watches = new Watches(options.env, this.#endpoints, () => this.#token);
    this.#search = new LeaderSearch({
      clock: options.env.clock,
      all: this.#endpoints.all,
      current: () => this.#endpoints.current,
      ask: async ({ address }) => wordOf(await this.status(address)),
      prefer: (endpoint) => this.#endpoints.prefer(endpoint),
    });
    this.#endpoints.onFailed = (endpoint) => this.#search.failed(endpoint);
  }

  /** `host:port` of the member that it asks now: the one that leads, as far as is known. */
  get address(): string {
    return this.#endpoints.current.address;
  }

  /** `host:port` of every member that it was given. */
  get addresses(): string[] {
    return this.#endpoints.all.map(({ address }) => address);
  }

  range(request: Partial<etcdserverpb.RangeRequest>): Promise<etcdserverpb.RangeResponse> {
    return this.#read(KVService.range, etcdserverpb.RangeRequest.create(request));
  }

  transact({ compare, success, failure = [] }: Transaction): Promise<etcdserverpb.TxnResponse> {
    const request = { compare: [...compare], success: [...success], failure: [...failure] };
    const isRead = [...success, ...failure].every(({ request: of }) => of?.$case === 'requestRange');
    return isRead ? this.#read(KVService.txn, request) : this.#change(KVService.txn, request);
  }

  watch(key: Buffer, end: Buffer, listener: WatchListener): Watch {
    return this.#watches.watch(key, end, listener);
  }

  /**
   * Forgets history before a revision, and resolves when it is gone from the members' files. Tried like a read,
   * because doing it again changes nothing. Throws an error that `isCompacted` when it was done before.
   */
  async compact(revision: number): Promise<void> {
    await this.#read(KVService.compact, { revision, physical: true });
  }

  /** Grants a lease for `seconds` or more; its id. One of etcd's choice might be no number that JavaScript can hold. */
  async grantLease(seconds: number): Promise<number> {
    const id = 1 + this.env.random.uint32();
    await this.#change(LeaseService.leaseGrant, { ID: id, TTL: seconds });
    return id;
  }

  /** Removes a lease and its keys. */
  async revokeLease(id: number): Promise<void> {
    await this.#change(LeaseService.leaseRevoke, { ID: id });
  }

  members(): Promise<etcdserverpb.MemberListResponse> {
    return this.#read(ClusterService.memberList, {});
  }

  /** Of one member. */
  async status(address: string): Promise<etcdserverpb.StatusResponse> {
    return this.#callAt(this.#endpointOf(address), MaintenanceService.status, {}, false);
  }

  async alarms(): Promise<etcdserverpb.AlarmMember[]> {
    return (await this.#read(MaintenanceService.alarm, etcdserverpb.AlarmRequest.create())).alarms;
  }

  /** Turns an alarm off, which must have lost its reason before. */
  async disarm(alarm: etcdserverpb.AlarmMember): Promise<void> {
    const action = etcdserverpb.AlarmRequest_AlarmAction.DEACTIVATE;
    await this.#change(MaintenanceService.alarm, { ...alarm, action });
  }

  /** Gives the unused space of one member's file back. The member does nothing else meanwhile. */
  async defragment(address: string, timeoutMs: number): Promise<void> {
    await this.#callAt(this.#endpointOf(address), MaintenanceService.defragment, {}, true, timeoutMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#watches.close();
    this.#endpoints.close();
  }

  #endpointOf(address: string): Endpoint {
    const endpoint = this.#endpoints.all.find((candidate) => candidate.address === address);
    if (endpoint === undefined) throw new KvError('INVALID', `${address} is no endpoint of this client`);
    return endpoint;
  }

  async #read<Q, R>(method: Method<Q, R>, request: Q): Promise<R> {
    const attempts = this.#endpoints.all.length * roundsMax;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#call(method, request, false);
      } catch (error) {
        if (!(error instanceof KvError) || !isEndpointError(error) || attempt >= attempts) throw error;
        if (attempt % this.#endpoints.all.length === 0) await this.#pause(attempt);
      }
    }
  }

  #change<Q, R>(method: Method<Q, R>, request: Q): Promise<R> {
    return this.#call(method, request, true);
  }

  /** Asks the current endpoint, and turns away from it when it does not answer. */
  async #call<Q, R>(method: Method<Q, R>, request: Q, isChange: boolean): Promise<R> {
    if (this.#search.isDue) void this.#search.look();
    const endpoint = this.#endpoints.current;
    try {
      return await this.#callAt(endpoint, method, request, isChange);
    } catch (error) {
      if (error instanceof KvError && isEndpointError(error)) this.#endpoints.rotate(endpoint);
      throw error;
    }
  }

  async #callAt<Q, R>(
    endpoint: Endpoint,
    method: Method<Q, R>,
    request: Q,
    isChange: boolean,
    timeoutMs = this.#callTimeoutMs,
  ): Promise<R> {
    const token = this.#token;
    try {
      return await this.#send(endpoint, method, request, isChange, timeoutMs, token);
    } catch (error) {
      if (this.#user === undefined || !isTokenError(error as KvError)) throw error;
      // The token is too old: nothing was done.
      await this.#authenticate(token);
      return this.#send(endpoint, method, request, isChange, timeoutMs, this.#token);
    }
  }

  async #send<Q, R>(
    endpoint: Endpoint,
    method: Method<Q, R>,
    request: Q,
    isChange: boolean,
    timeoutMs: number,
    token: string | null,
  ): Promise<R> {
    if (this.#isClosed) throw new KvError('CLOSED', 'the client of etcd is closed');
    const { path, requestSerialize, responseDeserialize } = method;
    const { address, calls } = endpoint;
    try {
      return responseDeserialize(await calls.call(path, requestSerialize(request), token, timeoutMs));
    } catch (error) {
      throw errorOf(error as CallError, address, isChange);
    }
  }

  /**
   * Gets a token in place of one that is no longer taken: once, however many calls find that out, which go on with the old one
   * until then.
   */
  async #authenticate(old: string | null): Promise<void> {
    if (this.#token !== old) return;
    this.#authenticating ??= this.#fetchToken().finally(() => {
      this.#authenticating = null;
    });
    await this.#authenticating;
  }

  /** Of the first member in turn that answers. */
  async #fetchToken(): Promise<void> {
    for (let left = this.#endpoints.all.length; ; left--) {
      const endpoint = this.#endpoints.current;
      try {
        const { authenticate } = AuthService;
        const { token } = await this.#send(
          endpoint,
          authenticate,
          this.#user!,
          false,
          this.#callTimeoutMs,
          null,
        );
        this.#token = token;
        return;
      } catch (error) {
        if (!(error instanceof KvError) || !isEndpointError(error) || left === 1) throw error;
        this.#endpoints.rotate(endpoint);
      }
    }
  }

  /** Checks the versions, and turns to the member that leads: others pass every change on to it. */
  async #lookAround({ versionPolicy = 'warn', onWarning = () => {} }: EtcdOptions): Promise<void> {
    const { all } = this.#endpoints;
    const answers = await Promise.allSettled(all.map(({ address }) => this.status(address)));
    const versions = new Set<string>();
    answers.forEach((answer, i) => {
      if (answer.status === 'rejected') return;
      versions.add(answer.value.version);
      const { id, leader } = wordOf(answer.value);
      if (leader === id) this.#endpoints.prefer(all[i]);
    });
    if (versions.size === 0) throw (answers[0] as PromiseRejectedResult).reason;
    for (const version of versions) {
      const warning = checkVersion(version, versionPolicy);
      if (warning !== null) onWarning(warning);
    }
  }

  #pause(attempt: number): Promise<void> {
    const mostMs = Math.min(retryPauseMs.most, retryPauseMs.first * attempt);
    const { timers, random } = this.env;
    return pause(timers, randomBelow(random, mostMs));
  }
}

function wordOf({ header, leader }: etcdserverpb.StatusResponse): MemberWord {
  return { id: header!.memberId, leader };
}
