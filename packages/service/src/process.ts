/**
 * The life of a process: reads its settings, starts its service, prints one line of JSON when that serves, and
 * ends in order on SIGTERM and SIGINT. Exit codes: 0 after an orderly end, 1 when it can't start or go on, 2 for
 * wrong settings.
 */
import { readFileSync } from 'node:fs';
import { KvError, ProcessHold } from '@holdfast/common';
import { type Logger, pino } from 'pino';
import { tuneRuntime } from './runtime.js';
import { readSettings, type SettingRules, usage } from './settings.js';

/** An orderly end that takes longer than this is cut short, in ms. */
const closeTimeoutMs = 30_000;

export interface RunningService {
  /** Where it listens, for the line that says that it is ready. */
  readonly addresses: Readonly<Record<string, string | null>>;
  close(): Promise<void>;
}

/** How the settings of a process are read. */
export interface ProcessSettings<S> {
  /** The text of `--help`. */
  readonly usage: string;
  /** Throws KvError INVALID with a message for the operator. */
  read(
    argv: readonly string[],
    environment: NodeJS.ProcessEnv,
  ): { readonly settings: S; readonly logLevel: string };
}

export interface ProcessOptions<S> {
  /** Its package.json. */
  readonly manifest: URL;
  readonly settings: ProcessSettings<S>;
  /**
   * Throws KvError, or the system's error when an address is taken. `onEnd` ends the process: in order, or at once
   * when, by an error, no reply may leave any more.
   */
  start(settings: S, logger: Logger, onEnd: (error: KvError | null) => void): Promise<RunningService>;
}

/** Settings that are those of their rules, and nothing else. */
export function ruledSettings<S>(
  program: string,
  rules: SettingRules,
  settingsOf: (setting: (name: string) => string) => S,
): ProcessSettings<S> {
  return {
    usage: usage(program, rules),
    read(argv, environment) {
      const setting = readSettings(rules, argv, environment);
      return { settings: settingsOf(setting), logLevel: setting('log-level') };
    },
  };
}

/** Never returns before the process ends, unless it serves. */
export async function runProcess<S>({ manifest, settings: source, start }: ProcessOptions<S>): Promise<void> {
  tuneRuntime();
  // One that waits for etcd would end otherwise.
  new ProcessHold().set(true);
  const { logLevel, settings } = settingsOrExit(source, manifest);
  const logger = pino({ level: logLevel }, pino.destination({ dest: 2, sync: true }));
  let service: RunningService | null = null;
  let isEnding = false;

  const end = async (reason: string): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    logger.info({ reason }, 'ending');
    setTimeout(() => {
      logger.error('the orderly end took too long');
      process.exit(1);
    }, closeTimeoutMs).unref();
    try {
      await service?.close();
      logger.info('ended');
      process.exit(0);
    } catch (error) {
      logger.error({ err: error }, 'the orderly end failed');
      process.exit(1);
    }
  };

  const onEnd = (error: KvError | null): void => {
    if (error === null) {
      void end('SHUTDOWN');
      return;
    }
    logger.fatal({ err: error }, 'the process must end, and recovers when it is started again');
    process.exit(1);
  };

  // Before it serves, too: the first process of a container has no signals but those that it asks for.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void end(signal));
  try {
    service = await start(settings, logger, onEnd);
  } catch (error) {
    // Our own errors say what to do, and so do the system's: an address is taken, or not this machine's.
    if (error instanceof KvError || 'syscall' in (error as Error)) logger.fatal((error as Error).message);
    else logger.fatal({ err: error }, 'the process could not start');
    process.exit(1);
  }
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a defect: the process ends, and recovers when it is started again');
    process.exit(1);
  });
  logger.info({ ...service.addresses }, 'ready');
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, ...service.addresses })}\n`);
}

function settingsOrExit<S>({ read, usage }: ProcessSettings<S>, manifest: URL): ReturnType<typeof read> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  if (argv.includes('--version')) {
    process.stdout.write(`holdfast ${versionOf(manifest)}\n`);
    process.exit(0);
  }
  try {
    return read(argv, process.env);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

/** Of a package.json. */
export function versionOf(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
