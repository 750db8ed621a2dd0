/**
 * The etcd of a whole server whose log is there, or was to be: which one, and under which name, stands in a file of
 * the data directory, so that the next start finds it without being told.
 */
import { type Env, KvError } from '@holdfast/common';
import { EtcdLayout, type SharedLog, serverLogOf } from '@holdfast/coord';
import { type Etcd, EtcdKeeper } from '@holdfast/etcd';
import { type Disk, readSmallFile, writeSmallFile } from '@holdfast/log';
import { type EtcdSettings, etcdRules, openEtcd } from '@holdfast/service';

/** What the file holds. */
interface Place {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  /** The name of this server's log there. */
  readonly shard: string;
}

export interface ServerEtcdOptions {
  readonly env: Env;
  readonly disk: Disk;
  readonly directory: string;
  /** From the settings; its endpoints may be none. */
  readonly etcd: EtcdSettings;
  readonly onWarning: (message: string) => void;
}

export class ServerEtcd {
  readonly #options: ServerEtcdOptions;
  #client: Etcd | null = null;
  /** Nobody else may look after the history and the quota of that etcd. */
  #keeper: EtcdKeeper | null = null;

  constructor(options: ServerEtcdOptions) {
    this.#options = options;
  }

  /** Where the log is, or is to be; `endpoints` come before what is known. Throws KvError UNAVAILABLE, INVALID. */
  async open(endpoints: readonly string[] = []): Promise<SharedLog> {
    const { env, etcd: settings } = this.#options;
    const known = await this.#read();
    // What was written down comes before settings that nobody has made.
    const isSet = settings.endpoints.join() !== etcdRules.etcd.initial;
    const made = isSet ? settings.endpoints : [];
    const chosen = [endpoints, made, known?.endpoints ?? [], settings.endpoints].find(
      ({ length }) => length > 0,
    );
    if (chosen === undefined) throw new KvError('INVALID', 'it must be said which etcd: --etcd host:port');
    const place = {
      endpoints: chosen,
      prefix: known?.prefix ?? settings.prefix,
      shard: known?.shard ?? `server-${Buffer.from(env.random.fill(new Uint8Array(6))).toString('hex')}`,
    };
    const { onWarning } = this.#options;
    const etcd = await openEtcd({ ...settings, endpoints: chosen }, env, onWarning);
    try {
      // Before anything is there: what is, must be found again.
      await this.#write(place);
    } catch (error) {
      etcd.close();
      throw error;
    }
    this.close();
    this.#client = etcd;
    const layout = new EtcdLayout(place.prefix);
    const { quotaBytes } = settings;
    const keeper = new EtcdKeeper({ etcd, env, guardKey: layout.compaction, quotaBytes, onWarning });
    this.#keeper = keeper;
    const { shard } = place;
    return serverLogOf({ etcd, env, layout, room: keeper, shard, node: shard });
  }

  close(): void {
    void this.#keeper?.close();
    this.#keeper = null;
    this.#client?.close();
    this.#client = null;
  }

  get #path(): string {
    return `${this.#options.directory}/etcd`;
  }

  async #read(): Promise<Place | null> {
    const content = await readSmallFile(this.#options.disk, this.#path);
    if (content === null) return null;
    try {
      return JSON.parse(Buffer.from(content).toString()) as Place;
    } catch (cause) {
      throw new KvError('CORRUPT', `${this.#path} is damaged: restore it from a backup`, { cause });
    }
  }

  async #write(place: Place): Promise<void> {
    await writeSmallFile(this.#options.disk, this.#path, Buffer.from(`${JSON.stringify(place)}\n`));
  }
}
