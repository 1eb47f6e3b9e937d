/** What every role process shares: it ends with the service that started it, and never goes on with an error of ours. */
import type { Logger } from '../base/logger.ts';

/** The service's word that the hosts in holdfast.yaml are others than before. */
export const HOSTS_CHANGED = 'hosts-changed';

/** Calls `stop` once, when the service asks (SIGTERM) or is gone; then the process ends. */
export function endWithService(logger: Logger, stop: () => Promise<void>, onHostsChanged: () => void): void {
  let isStopping = false;
  const end = (why: string, code: number): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ why }, 'the process ends');
    stop().then(
      () => process.exit(code),
      (error: unknown) => {
        logger.error({ reason: String(error) }, 'the process did not end cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => end('asked to stop', 0));
  process.on('SIGINT', () => end('asked to stop', 0));
  process.on('disconnect', () => end('its service is gone', 1));
  // Without a listener the pipe would not keep this process informed of its service's end.
  process.on('message', (message) => {
    if (message === HOSTS_CHANGED) onHostsChanged();
  });
}

/** `tell` hears of it first: a service has somebody who reads its standard error. */
export function endOnInternalError(logger: Logger, tell: (error: unknown) => void = () => undefined): void {
  const end = (error: unknown): void => {
    tell(error);
    logger.error(
      { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      'internal error: the process ends',
    );
    process.exit(70);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
