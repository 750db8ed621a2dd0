#!/usr/bin/env node
/**
 * The process: reads the settings, starts the gateway, prints one line of JSON when it serves, and ends in
 * order on SIGTERM and SIGINT. Exit codes: 0 after an orderly end, 1 when it can't start or go on, 2 for
 * wrong settings.
 */
import { readFileSync } from 'node:fs';
import { KvError } from '@holdfast/common';
import { pino } from 'pino';
import { Gateway } from './gateway.js';
import { tuneRuntime } from './runtime.js';
import { readSettings, type Settings, usage } from './settings.js';

/** An orderly end that takes longer than this is cut short. */
const closeTimeoutMs = 30_000;

function settingsOrExit(): Settings {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(usage());
    process.exit(0);
  }
  if (argv.includes('--version')) {
    process.stdout.write(`holdfast ${versionOf(new URL('../package.json', import.meta.url))}\n`);
    process.exit(0);
  }
  try {
    return readSettings(argv, process.env);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

function versionOf(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

async function main(): Promise<void> {
  tuneRuntime();
  const settings = settingsOrExit();
  const logger = pino({ level: settings.logLevel }, pino.destination({ dest: 2, sync: true }));
  let gateway: Gateway | null = null;
  let isEnding = false;

  const end = async (reason: string, code: number): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    logger.info({ reason }, 'ending');
    setTimeout(() => {
      logger.error('the orderly end took too long');
      process.exit(1);
    }, closeTimeoutMs).unref();
    try {
      await gateway?.close();
      logger.info('ended');
      process.exit(code);
    } catch (error) {
      logger.error({ err: error }, 'the orderly end failed');
      process.exit(1);
    }
  };

  const onEnd = (error: KvError | null): void => {
    if (error === null) {
      void end('SHUTDOWN', 0);
      return;
    }
    // Whether the last writes were kept is not known: no reply may leave any more.
    logger.fatal({ err: error }, 'the process must end, and recovers when it is started again');
    process.exit(1);
  };

  try {
    gateway = await Gateway.start(settings, logger, { onEnd });
  } catch (error) {
    // Our own errors say what to do, and so do the system's: an address is taken, or not this machine's.
    if (error instanceof KvError || 'syscall' in (error as Error)) logger.fatal((error as Error).message);
    else logger.fatal({ err: error }, 'the server could not start');
    process.exit(1);
  }
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a defect: the process ends, and recovers when it is started again');
    process.exit(1);
  });
  process.on('SIGTERM', () => void end('SIGTERM', 0));
  process.on('SIGINT', () => void end('SIGINT', 0));
  const { addresses } = gateway;
  logger.info({ ...addresses, storage: settings.storage, log: settings.log }, 'ready');
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, ...addresses })}\n`);
}

await main();
