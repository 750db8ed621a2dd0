/** What fails again and again, in the log of a process. */
import { type Env, FailureReport } from '@holdfast/common';
import type { Logger } from 'pino';

/** `what` fails, and is tried again: in the log the first time, then now and then, and once when it is well again. */
export function reportTo(
  logger: Pick<Logger, 'info' | 'warn' | 'error'>,
  env: Env,
  level: 'warn' | 'error',
  what: string,
): (error: unknown) => void {
  const report = new FailureReport({
    env,
    onFailure: (err, failures) => logger[level]({ err, failures }, what),
    onRecovery: (failures) => logger.info({ failures }, `no longer: ${what}`),
  });
  return (error) => report.failed(error);
}
