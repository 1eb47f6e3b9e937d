/** The hub put together: its inner parts, and the ports that mail comes in by. */
import { HubCore, type HubCoreOptions, type HubStatus } from './hub-core.ts';
import { receptionLimits } from './limits.ts';
import { ReceivingMemory } from './receiving-memory.ts';
import { type ReceptionKind, type ReceptionPorts, type ServerCertificate, SmtpListener } from './smtp-listener.ts';

export interface HubOptions extends HubCoreOptions {
  readonly listeners: readonly { readonly kind: ReceptionKind; readonly address: string; readonly port: number }[];
  /** As it greets, and as it calls itself in traces. */
  readonly hostName: string;
  readonly certificate: ServerCertificate;
  readonly allowPlaintextLogin: boolean;
  readonly login: ReceptionPorts['login'];
  /** Where they differ from limits.ts. */
  readonly limits?: HubCoreOptions['limits'] & Partial<typeof receptionLimits>;
}

export interface Hub {
  /** Ports as bound, in the order of `listeners`. */
  readonly ports: readonly number[];
  status(): HubStatus;
  /** New clients are refused, messages that are being accepted get their answers, queues stay for the next start. */
  close(): Promise<void>;
}

/** Rejects when a queue cannot be read or a port cannot be bound; nothing is left behind then. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const core = await HubCore.open(options);
  const listeners = makeListeners(options, core);
  const close = async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await core.close();
  };
  try {
    const ports: number[] = [];
    for (const [index, { address, port }] of options.listeners.entries()) {
      ports.push((await listeners[index]?.start(address, port)) ?? port);
    }
    return { ports, close, status: () => core.status() };
  } catch (error) {
    await close();
    throw error;
  }
}

function makeListeners(options: HubOptions, core: HubCore): SmtpListener[] {
  const { hostName, certificate, allowPlaintextLogin, login, clock, logger } = options;
  const limits = { ...receptionLimits, ...options.limits };
  const memory = new ReceivingMemory(limits.maxReceivingBytes);
  return options.listeners.map(
    ({ kind }) =>
      new SmtpListener({
        kind,
        hostName,
        certificate,
        allowPlaintextLogin,
        limits,
        memory,
        clock,
        logger,
        login,
        resolve: (recipient) => core.resolve(recipient),
        accept: (message) => core.accept(message),
      }),
  );
}
