/** Storage nodes with nothing in them, as the command sees them: they follow the map, and lead what they are told. */
import { KvError, systemEnv } from '@holdfast/common';
import type { EtcdMeta } from '@holdfast/coord';
import { AdminExporter, type Administration, type ProcessStatus } from '@holdfast/protocol';
import { admin } from '@holdfast/rpc';

const { REPLICA_ROLE_FOLLOWER, REPLICA_ROLE_LEADER, REPLICA_ROLE_STARTING } = admin.ReplicaRole;

/** By shard: who leads, since which epoch. What the logs would say. */
export type Leads = Map<string, { node: string; epoch: number }>;

export class ToyNode implements Administration {
  readonly name: string;
  isDraining = false;
  /** New replicas stay behind as long as this holds. */
  isSlow = false;
  /** No other node could lead what it leads. */
  keepsLeads = false;
  readonly #meta: EtcdMeta;
  readonly #leads: Leads;
  readonly #exporter: AdminExporter;

  constructor(name: string, meta: EtcdMeta, leads: Leads) {
    this.name = name;
    this.#meta = meta;
    this.#leads = leads;
    this.#exporter = new AdminExporter({ administration: this, env: systemEnv() });
  }

  async start(): Promise<void> {
    const port = await this.#exporter.listen(0, '127.0.0.1');
    await this.#meta.register({ node: this.name, addresses: { redis: '', node: `127.0.0.1:${port}` } });
  }

  close(): Promise<void> {
    return this.#exporter.close();
  }

  status(): ProcessStatus {
    const shards = this.#meta.map.shards.filter(({ nodes }) => nodes.includes(this.name));
    return admin.StatusResponse.create({
      kind: admin.ProcessKind.PROCESS_KIND_STORAGE_NODE,
      name: this.name,
      version: '0.1.0',
      uptimeMs: 90_061_000,
      isDraining: this.isDraining,
      replicas: shards.map(({ shard, nodes }) => {
        const lead = this.#leads.get(shard);
        // A leader whose replica is taken away hands over.
        if (lead === undefined || !nodes.includes(lead.node)) {
          this.#leads.set(shard, { node: nodes[0], epoch: (lead?.epoch ?? 0) + 1 });
        }
        const { node, epoch } = this.#leads.get(shard)!;
        const role = node === this.name ? REPLICA_ROLE_LEADER : REPLICA_ROLE_FOLLOWER;
        const position = this.isSlow ? 0 : 1000;
        return admin.ReplicaStatus.create({
          shard,
          epoch,
          leader: node,
          role: this.isSlow ? REPLICA_ROLE_STARTING : role,
          position,
        });
      }),
    });
  }

  async moveLead(shard: string, to: string): Promise<void> {
    const lead = this.#leads.get(shard);
    if (lead?.node !== this.name) throw new KvError('REFUSED', `${this.name} does not lead ${shard}`);
    this.#leads.set(shard, { node: to, epoch: lead.epoch + 1 });
  }

  async drain(isDraining: boolean): Promise<number> {
    this.isDraining = isDraining;
    if (isDraining && this.keepsLeads)
      throw new KvError('UNAVAILABLE', 'no other node could lead shard s0 now');
    const led = [...this.#leads].filter(([, { node }]) => node === this.name);
    for (const [shard] of led) {
      const others = this.#meta.map.shards.find((one) => one.shard === shard)!.nodes;
      await this.moveLead(shard, others.find((other) => other !== this.name)!);
    }
    return led.length;
  }
}
