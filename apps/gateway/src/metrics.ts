/** Metrics that are read when they are asked for. */
import { Gauge, type Registry } from 'prom-client';

/** Adds a metric, `holdfast_<name>`. */
export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name: `holdfast_${name}`,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
