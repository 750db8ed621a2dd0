/** What deploy/ says fits what the programs know: settings, flags, ports, paths, versions. Nothing is deployed here. */
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemEnv } from '@holdfast/common';
import { parseMemory } from '@holdfast/engine';
import { versionProblem } from '@holdfast/etcd';
import { readSettings as readGatewaySettings } from '@holdfast/gateway';
import { run as kvctl } from '@holdfast/kvctl';
import { readSettings } from '@holdfast/service';
import { readSettings as readNodeSettings } from '@holdfast/storage-node';
import { rules as tsoRules, settingsOf as tsoSettingsOf } from '@holdfast/tso-service';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

/** A container as we look at it, wherever it is written. */
interface Container {
  readonly where: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Ports that a program listens on with these settings; throws for settings that it does not take. */
const portsOf: Record<
  string,
  (environment: NodeJS.ProcessEnv) => { redis?: number; grpc: number; http: number }
> = {
  gateway: (environment) => {
    const { redisPort, grpcPort, httpPort } = readGatewaySettings([], environment);
    return { redis: redisPort, grpc: grpcPort, http: httpPort };
  },
  'storage-node': (environment) => {
    const { redisPort, grpcPort, httpPort } = readNodeSettings([], environment);
    return { redis: redisPort, grpc: grpcPort, http: httpPort };
  },
  'tso-service': (environment) => {
    const { grpcPort, httpPort } = tsoSettingsOf(readSettings(tsoRules, [], environment));
    return { grpc: grpcPort, http: httpPort };
  },
};

// What we look at of manifests: their own schemas are Kubernetes' business.
interface Probe {
  readonly httpGet?: { readonly port: string; readonly path: string };
  readonly tcpSocket?: { readonly port: string };
}

interface PodContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly securityContext?: object;
  readonly env?: { readonly name: string; readonly value?: string }[];
  readonly ports?: { readonly name: string; readonly containerPort: number }[];
  readonly resources?: { readonly limits: { readonly memory: string } };
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
}

interface Pod {
  readonly containers: PodContainer[];
  readonly enableServiceLinks?: boolean;
  readonly securityContext: object;
  readonly terminationGracePeriodSeconds?: number;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template?: {
      readonly metadata: { readonly labels: { readonly app: string } };
      readonly spec: Pod;
    };
    readonly selector?: { readonly app?: string; readonly matchLabels?: { readonly app: string } };
    readonly maxUnavailable?: number;
    readonly podManagementPolicy?: string;
    readonly ttlSecondsAfterFinished?: number;
  };
}

const manifestFiles = readdirSync(`${root}deploy/kubernetes`).filter((name) => name !== 'kustomization.yaml');

const manifests: (Manifest & { file: string })[] = manifestFiles.flatMap((file) =>
  parseAllDocuments(read(`deploy/kubernetes/${file}`)).map((document) => {
    expect(document.errors, file).toEqual([]);
    return { file, ...(document.toJS() as Manifest) };
  }),
);

const compose = parse(read('deploy/compose.yaml'), { merge: true }) as {
  services: Record<
    string,
    {
      image: string;
      command?: string[];
      stop_grace_period?: string;
      environment?: Record<string, string>;
      build?: { dockerfile: string };
    }
  >;
};

function podsOf(manifest: Manifest): Pod[] {
  const pod = manifest.spec.template?.spec;
  return pod === undefined ? [] : [pod];
}

const kubernetesContainers: (Container & { ports: Record<string, number>; probes: Probe[] })[] =
  manifests.flatMap((manifest) =>
    podsOf(manifest)
      .flatMap((pod) => pod.containers)
      .map((container) => ({
        where: `${manifest.file}: ${container.name}`,
        image: container.image,
        args: [...(container.command ?? []), ...(container.args ?? [])],
        environment: Object.fromEntries(
          (container.env ?? []).map(({ name, value = 'n1' }: { name: string; value?: string }) => [
            name,
            value,
          ]),
        ) as Record<string, string>,
        ports: Object.fromEntries((container.ports ?? []).map((port) => [port.name, port.containerPort])),
        probes: [container.startupProbe, container.readinessProbe, container.livenessProbe].filter(
          (probe) => probe !== undefined,
        ),
      })),
  );

const composeContainers: Container[] = Object.entries(compose.services).map(([name, service]) => ({
  where: `compose.yaml: ${name}`,
  image: service.image,
  args: service.command ?? [],
  environment: service.environment ?? {},
}));

const containers = [...kubernetesContainers, ...composeContainers];

function settingsIn({ environment }: Container): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith('HOLDFAST_')));
}

describe('deploy', () => {
  it('gives every program settings that it knows, and ports that it listens on', () => {
    const seen = new Set<string>();
    for (const container of containers) {
      const app = /^holdfast\/([\w-]+)$/.exec(container.image)?.[1];
      if (app === undefined || app === 'kvctl') continue;
      seen.add(app);
      const listened = portsOf[app](settingsIn(container));
      const { ports = {} } = container as { ports?: Record<string, number> };
      for (const [name, port] of Object.entries(ports))
        expect(port, `${container.where} ${name}`).toBe(listened[name as keyof typeof listened]);
    }
    expect([...seen].sort()).toEqual(['gateway', 'storage-node', 'tso-service']);
  });

  it('gives nodes a limit of memory that their containers can bear', () => {
    const nodes = manifests.flatMap(podsOf).flatMap((pod) => pod.containers);
    const limited = nodes.filter(({ image }) => image === 'holdfast/storage-node');
    expect(limited).toHaveLength(1);
    const [{ env = [], resources }] = limited;
    const maxmemory = parseMemory(env.find(({ name }) => name === 'HOLDFAST_MAXMEMORY')!.value!)!;
    const containerBytes = parseMemory(resources!.limits.memory.replace('Gi', 'gb'))!;
    expect(maxmemory).toBeGreaterThan(containerBytes / 2);
    expect(maxmemory).toBeLessThan((containerBytes * 2) / 3);
  });

  it('notices settings that no program knows', () => {
    expect(() => portsOf['storage-node']({ HOLDFAST_NODE: 'n1', HOLDFAST_NOED: 'n1' })).toThrow('noed');
  });

  it('gives kvctl a command line that it takes', async () => {
    for (const { image, args, where } of containers) {
      if (image !== 'holdfast/kvctl') continue;
      const nobody = ['--etcd=127.0.0.1:1', '--timeout=200'];
      const streams = { out: () => {}, error: () => {} };
      const machine = { env: systemEnv(), streams, signals: new EventEmitter() };
      expect(await kvctl([...args, ...nobody], machine), where).toBe(3);
    }
  });

  it('runs an etcd that is supported, with flags that etcd has', () => {
    const help = spawnSync('etcd', ['--help'], { encoding: 'utf8' });
    const known = new Set(
      [...(help.stdout + help.stderr).matchAll(/^\s+--([\w-]+)/gm)].map(([, flag]) => flag),
    );
    const members = containers.filter(({ image }) => image.includes('/etcd:'));
    expect(members.length).toBe(4);
    for (const { image, args, where } of members) {
      expect(versionProblem(image.split(':v')[1]), where).toBeNull();
      for (const arg of args.slice(1)) expect(known, where).toContain(/^--([\w-]+)=/.exec(arg)?.[1]);
    }
  });

  it('probes ports and paths that there are, liveness never what others decide', () => {
    for (const { where, ports, probes, image } of kubernetesContainers) {
      for (const probe of probes) {
        expect(ports, where).toHaveProperty((probe.httpGet ?? probe.tcpSocket)!.port);
        if (image.startsWith('holdfast/'))
          expect(['/healthz', '/readyz'], where).toContain(probe.httpGet?.path);
      }
    }
    for (const manifest of manifests) {
      for (const { livenessProbe, readinessProbe, image } of podsOf(manifest).flatMap(
        (pod) => pod.containers,
      )) {
        if (image === 'holdfast/kvctl') continue;
        expect(livenessProbe!.httpGet?.path ?? '/healthz', manifest.file).toBe('/healthz');
        expect(readinessProbe, manifest.file).toBeDefined();
      }
    }
  });

  it('selects pods that there are, and lets one of each kind go at a time', () => {
    const labels = new Set(manifests.flatMap(({ spec }) => spec.template?.metadata.labels.app ?? []));
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(budgets.map(({ metadata }) => metadata.name).sort()).toEqual(['etcd', 'gateway', 'nodes', 'tso']);
    for (const { spec, file, kind } of manifests) {
      const app = spec.selector?.app ?? spec.selector?.matchLabels?.app;
      if (kind !== 'Job') expect(labels, file).toContain(app);
      if (kind === 'PodDisruptionBudget') expect(spec.maxUnavailable, file).toBe(1);
    }
  });

  it('runs nothing as root, and gives everything time to end', () => {
    for (const manifest of manifests) {
      for (const pod of podsOf(manifest)) {
        // What a namespace of the standard `restricted` asks of a pod.
        expect(pod.securityContext, manifest.file).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        for (const { securityContext } of pod.containers)
          expect(securityContext, manifest.file).toEqual({
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
          });
        const isOurs = pod.containers.some(({ image }) => /holdfast\/(?!kvctl)/.test(image));
        // `runProcess` ends itself after 30 s.
        if (isOurs) expect(pod.terminationGracePeriodSeconds, manifest.file).toBeGreaterThan(30);
      }
    }
    for (const [name, { image, stop_grace_period: period = '10s' }] of Object.entries(compose.services)) {
      if (/holdfast\/(?!kvctl)/.test(image)) expect(Number.parseInt(period, 10), name).toBeGreaterThan(30);
    }
  });

  it('leaves no job behind, which a newer image could not be applied to', () => {
    const jobs = manifests.filter(({ kind }) => kind === 'Job');
    expect(jobs.map(({ spec }) => spec.ttlSecondsAfterFinished)).toEqual([600]);
  });

  it('gives no pod variables of services, which have the names of settings', () => {
    for (const pod of manifests.flatMap(podsOf)) expect(pod.enableServiceLinks).toBe(false);
  });

  it('lets gateways go only when clients are no longer sent to them, and nodes that wait for each other start together', () => {
    const named = (name: string) =>
      manifests.find(({ metadata, spec }) => metadata.name === name && spec.template)!;
    const [gateway] = podsOf(named('gateway'));
    const { lifecycle } = gateway.containers[0];
    const seconds = Number(lifecycle!.preStop.exec.command[1]);
    expect(gateway.terminationGracePeriodSeconds).toBeGreaterThan(30 + seconds);
    // A node may need another one's snapshot before it is ready.
    expect(named('nodes').spec.podManagementPolicy).toBe('Parallel');
  });

  it('has all of its files in the kustomization', () => {
    const { resources, images } = parse(read('deploy/kubernetes/kustomization.yaml'));
    expect([...resources].sort()).toEqual([...manifestFiles].sort());
    for (const { name, newTag } of images) {
      const app = name.split('/')[1];
      expect(newTag, name).toBe(JSON.parse(read(`apps/${app}/package.json`)).version);
    }
  });

  it('has TLS as an option, of every process of ours, with settings that they all know', () => {
    const settings = { CLUSTER_CA: '/tls/ca.crt', CLUSTER_CERT: '/tls/tls.crt', CLUSTER_KEY: '/tls/tls.key' };
    const wanted = Object.fromEntries(
      Object.entries(settings).map(([name, path]) => [`HOLDFAST_${name}`, path]),
    );
    for (const app of Object.keys(portsOf))
      expect(
        () => portsOf[app]({ ...(app === 'storage-node' && { HOLDFAST_NODE: 'n1' }), ...wanted }),
        app,
      ).toThrow('cluster-ca: ENOENT');

    const ours = Object.entries(compose.services).filter(([, { image }]) => image.startsWith('holdfast/'));
    const overlay = parse(read('deploy/compose.tls.yaml'), { merge: true }) as typeof compose;
    expect(Object.keys(overlay.services).sort()).toEqual(ours.map(([name]) => name).sort());
    for (const { environment } of Object.values(overlay.services)) expect(environment).toEqual(wanted);

    const { patches } = parse(read('deploy/kubernetes-tls/kustomization.yaml')) as {
      patches: { patch: string }[];
    };
    const patched = patches.map(({ patch }) => parse(patch) as Manifest);
    const workloads = manifests.filter((manifest) =>
      podsOf(manifest).some(({ containers }) =>
        containers.some(({ image }) => image.startsWith('holdfast/')),
      ),
    );
    const nameOf = ({ kind, metadata, spec }: Manifest): string =>
      `${kind} ${metadata.name} ${spec.template!.spec.containers.map(({ name }) => name)}`;
    expect(patched.map(nameOf).sort()).toEqual(workloads.map(nameOf).sort());
    for (const { env = [] } of patched.flatMap(podsOf).flatMap(({ containers }) => containers))
      expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toEqual(wanted);
  });

  it('builds an image of every program, which runs it as nobody in particular', () => {
    for (const app of readdirSync(`${root}apps`)) {
      const text = read(`deploy/docker/${app}.Dockerfile`);
      expect(text.match(/^FROM (.*)$/gm), app).toEqual(['FROM node:24-slim AS build', 'FROM node:24-slim']);
      expect(text, app).toMatch(/^USER node$/m);
      const { bin } = JSON.parse(read(`apps/${app}/package.json`)) as { bin: Record<string, string> };
      const [program] = Object.values(bin);
      expect(text, app).toContain(`ENTRYPOINT ["node", "apps/${app}/${program.replace('./', '')}"]`);
      const variables = Object.fromEntries(
        [...text.matchAll(/(HOLDFAST_\w+)=(\S+)/g)].map(([, a, b]) => [a, b]),
      );
      if (app === 'kvctl') continue;
      const ports = portsOf[app]({ ...(app === 'storage-node' && { HOLDFAST_NODE: 'n1' }), ...variables });
      expect(text, app).toContain(`EXPOSE ${Object.values(ports).join(' ')}`);
      expect(text, app).toContain(`CMD ["node", "healthcheck.mjs", "${ports.http}"]`);
    }
    for (const { build } of Object.values(compose.services)) {
      if (build) expect(existsSync(`${root}${build.dockerfile}`), build.dockerfile).toBe(true);
    }
  });
});
