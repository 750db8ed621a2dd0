/** CLIENT TRACKING as one client has asked for it: which changes of keys it is told of. */
export interface TrackingOptions {
  /** All keys with one of the prefixes, not those that the client has read. */
  readonly isBroadcast: boolean;
  /** Empty for all keys; only with `isBroadcast`. */
  readonly prefixes: readonly string[];
  /** Only what is read after CLIENT CACHING YES, or all but what is read after CLIENT CACHING NO. */
  readonly isOptIn: boolean;
  readonly isOptOut: boolean;
  /** Not what the client changes itself. */
  readonly noLoop: boolean;
  /** The client that is told instead; 0 for itself. */
  readonly redirect: number;
}

export class ClientTracking implements TrackingOptions {
  readonly isBroadcast: boolean;
  readonly prefixes: readonly string[];
  readonly isOptIn: boolean;
  readonly isOptOut: boolean;
  readonly noLoop: boolean;
  readonly redirect: number;
  /** CLIENT CACHING was called: of the next command, or transaction, what is read counts the other way. */
  isCachingGiven = false;
  /** The client to be told is gone. */
  isRedirectBroken = false;

  constructor(options: TrackingOptions) {
    this.isBroadcast = options.isBroadcast;
    this.prefixes = options.prefixes;
    this.isOptIn = options.isOptIn;
    this.isOptOut = options.isOptOut;
    this.noLoop = options.noLoop;
    this.redirect = options.redirect;
  }

  /** Whether the client is told of changes of what it reads now. */
  get remembersReads(): boolean {
    if (this.isBroadcast) return false;
    return this.isOptIn ? this.isCachingGiven : !(this.isOptOut && this.isCachingGiven);
  }
}
