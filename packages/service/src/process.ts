/**
 * The life of a process: reads its settings, starts its service, prints one line of JSON when that serves, and
 * ends in order on SIGTERM and SIGINT. Exit codes: 0 after an orderly end, 1 when it can't start or go on, 2 for
 * wrong settings.
 */
import { KvError } from '@holdfast/common';
import { type Logger, pino } from 'pino';
import { readSettings, type SettingRules, usage } from './settings.js';

/** An orderly end that takes longer than this is cut short, in ms. */
const closeTimeoutMs = 30_000;

export interface RunningService {
  /** Where it listens, for the line that says that it is ready. */
  readonly addresses: Readonly<Record<string, string | null>>;
  close(): Promise<void>;
}

export interface ProcessOptions {
  /** As `--help` calls it. */
  readonly program: string;
  readonly rules: SettingRules;
  /** Throws KvError, or the system's error when an address is taken. */
  start(setting: (name: string) => string, logger: Logger): Promise<RunningService>;
}

/** Never returns before the process ends, unless it serves. */
export async function runProcess({ program, rules, start }: ProcessOptions): Promise<void> {
  const setting = settingsOrExit(program, rules);
  const logger = pino({ level: setting('log-level') }, pino.destination({ dest: 2, sync: true }));
  const service = await start(setting, logger).catch((error: Error) => {
    // Our own errors say what to do, and so do the system's: an address is taken, or not this machine's.
    if (error instanceof KvError || 'syscall' in error) logger.fatal(error.message);
    else logger.fatal({ err: error }, 'the process could not start');
    process.exit(1);
  });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a defect: the process ends');
    process.exit(1);
  });
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void end(service, logger, signal));
  logger.info({ ...service.addresses }, 'ready');
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, ...service.addresses })}\n`);
}

function settingsOrExit(program: string, rules: SettingRules): (name: string) => string {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage(program, rules));
    process.exit(0);
  }
  try {
    return readSettings(rules, argv, process.env);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

async function end(service: RunningService, logger: Logger, reason: string): Promise<void> {
  logger.info({ reason }, 'ending');
  setTimeout(() => {
    logger.error('the orderly end took too long');
    process.exit(1);
  }, closeTimeoutMs).unref();
  try {
    await service.close();
    logger.info('ended');
    process.exit(0);
  } catch (error) {
    logger.error({ err: error }, 'the orderly end failed');
    process.exit(1);
  }
}
