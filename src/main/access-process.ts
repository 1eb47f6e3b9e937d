/** The process of the role access: IMAP clients are authenticated and led to the active copy; the HTTP interface. */
import { readFileSync } from 'node:fs';
import { startImapFront } from '../access/imap-front.ts';
import { createAdminApi } from '../admin/http.ts';
import type { AdminAnswer } from '../admin/registry.ts';
import { messageOf, Problem } from '../base/problem.ts';
import { machineClock } from '../host/machine.ts';
import { hostFiles } from './cluster-files.ts';
import { HostLinks } from './host-links.ts';
import { endWithService } from './lifeline.ts';
import { openRole, type RoleParts } from './role-parts.ts';

const COMMAND_TIMEOUT_MS = 120_000;

/** Problem('PortInUse' | ...) */
export async function runAccess(dataFolder: string): Promise<void> {
  const parts = openRole(dataFolder, 'access');
  const { config, clients, logger, network, finders, authenticator, certificate } = parts;
  const front = await startImapFront({
    listeners: [
      { address: clients.address, port: clients.imap, implicitTls: false },
      { address: clients.address, port: clients.imaps, implicitTls: true },
    ],
    certificate,
    allowPlaintextLogin: config.allowPlaintextLogin,
    verify: (request) => authenticator.verify(request),
    finders,
    network,
    clock: machineClock,
    logger,
  });
  const api = createAdminApi({
    execute: executeOnService(parts),
    tokenSha256: readFileSync(hostFiles.apiTokenSha256(dataFolder), 'utf8').trim(),
    allowedHosts: [`${clients.address}:${clients.api}`, `localhost:${clients.api}`],
    logger,
  });
  try {
    await api.listen({ host: clients.address, port: clients.api });
  } catch (error) {
    throw new Problem(
      'CannotListen',
      `Cannot listen on ${clients.address}:${clients.api} for the HTTP interface: ${messageOf(error)}. Stop what uses the port, or change it.`,
      { cause: error },
    );
  }
  logger.info({ ports: front.ports, api: clients.api }, 'clients may connect');
  endWithService(
    logger,
    async () => {
      await Promise.all([front.close(), api.close()]);
      for (const finder of finders) finder.close();
    },
    parts.rereadHosts,
  );
}

/** Commands are carried out by this host's service: it knows the register. */
function executeOnService(
  parts: RoleParts,
): (command: string, parameters: Readonly<Record<string, unknown>>) => Promise<AdminAnswer> {
  const links = new HostLinks({ network: parts.network, clock: machineClock });
  return async (command, parameters) =>
    (await links.ask(parts.config.host, 'admin', { command, parameters }, COMMAND_TIMEOUT_MS)) as AdminAnswer;
}
