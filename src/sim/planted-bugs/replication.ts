/** Planted bugs between the copies: the in-sync set, acknowledgements, what a passive copy accepts and applies. */
import { sha256 } from '../../base/checksum.ts';
import type { Channel, Network } from '../../base/network.ts';
import type { ActivationGrant, CopyControl } from '../../cluster/copy-control.ts';
import { readFrame } from '../../log/record.ts';
import {
  decodeSourceFrame,
  decodeTargetFrame,
  encodeSourceFrame,
  encodeTargetFrame,
  type SourceFrame,
} from '../../replication/protocol.ts';
import { splitFrames } from '../../replication/split-frames.ts';
import { altered, type BugPorts, type PlantedBug } from './planted-bug.ts';
import { rewrittenGroups } from './register-changes.ts';

/** The channels on which a passive copy follows: no other ones are opened by a copy in these runs. */
function asTarget(wrap: (channel: Channel) => Channel): BugPorts {
  const wrapNetwork = (network: Network): Network =>
    altered(network, { connect: async (endpoint, timeoutMs) => wrap(await network.connect(endpoint, timeoutMs)) });
  return { wrapNetwork };
}

function withSourceFrames(channel: Channel, alter: (frame: SourceFrame) => SourceFrame): Channel {
  return altered(channel, {
    onFrame: (handler) => channel.onFrame((bytes) => handler(encodeSourceFrame(alter(decodeSourceFrame(bytes))))),
  });
}

function acknowledgesOnReceipt(channel: Channel): Channel {
  return withSourceFrames(channel, (frame) => {
    const last = frame.type === 'records' ? splitFrames(frame.frames).at(-1) : undefined;
    if (last !== undefined) {
      const { epoch } = frame;
      const durableLsn = readFrame(last).lsn;
      channel.send(encodeTargetFrame({ type: 'acknowledge', epoch, durableLsn, appliedLsn: 0, generation: 1 }));
    }
    return frame;
  });
}

function believesAllCommitted(channel: Channel): Channel {
  const committedLsn = Number.MAX_SAFE_INTEGER;
  return withSourceFrames(channel, (frame) => {
    if (frame.type === 'records') return { ...frame, committedLsn };
    return frame.type === 'progress' ? { ...frame, progress: { ...frame.progress, committedLsn } } : frame;
  });
}

/** Takes whatever comes for the epoch that it knows itself, and tells nobody that it knows a higher one. */
function knowsNoEpochs(channel: Channel): Channel {
  let ofSource = 0;
  let ofTarget: number | undefined;
  return altered(channel, {
    onFrame: (handler) =>
      channel.onFrame((bytes) => {
        const frame = decodeSourceFrame(bytes);
        ofSource = frame.epoch;
        handler(encodeSourceFrame({ ...frame, epoch: Math.max(frame.epoch, ofTarget ?? 0) }));
      }),
    send: (bytes) => {
      const frame = Buffer.from(bytes);
      if (ofTarget !== undefined)
        return channel.send(encodeTargetFrame({ ...decodeTargetFrame(frame), epoch: ofSource }));
      const hello = JSON.parse(frame.toString('utf8')) as { readonly epoch: number };
      ofTarget = hello.epoch;
      channel.send(Buffer.from(JSON.stringify({ ...hello, epoch: 0 })));
    },
  });
}

function activatedWith(alter: (grant: ActivationGrant, host: string) => ActivationGrant): BugPorts {
  return {
    wrapControl: (control: CopyControl, { host }) =>
      altered(control, { activate: (grant) => control.activate(alter(grant, host)) }),
  };
}

export const replicationBugs: readonly PlantedBug[] = [
  {
    name: 'shrinks alone',
    what: 'the active copy takes another one out of the in-sync set without the register',
    breaks: 'S9',
    budgetSeeds: 20,
    ports: { wrapRequests: (requests) => altered(requests, { requestShrink: () => Promise.resolve('changed') }) },
  },
  {
    name: 'set never shrinks',
    what: 'the active copy waits for a copy that is gone until it is back',
    breaks: 'L1',
    budgetSeeds: 10,
    faults: ['kill'],
    mode: 'sync',
    livesInCore: true,
    ports: { wrapRequests: (requests) => altered(requests, { requestShrink: () => Promise.resolve('unknown') }) },
  },
  {
    name: 'set grows by itself',
    what: 'the register names a copy in sync before commits wait for it',
    breaks: 'S10',
    budgetSeeds: 20,
    faults: ['link between nodes cut', 'kill', 'power loss'],
    mode: 'sync',
    ports: {
      wrapRegister: (register, { host }) =>
        rewrittenGroups(register, (before, after) =>
          after.active === host && after.epoch === before.epoch ? { ...after, inSync: after.copies } : after,
        ),
      wrapControl: (control) => altered(control, { inSyncChanged: () => undefined }),
    },
  },
  {
    name: 'tail left lying',
    what: 'the mail in quarantine is read and goes nowhere',
    breaks: 'S20',
    budgetSeeds: 20,
    faults: ['active lost behind a cut'],
    mode: 'async',
    ports: {
      wrapReturn: (returnMail) => async (host) => ({
        ...(await returnMail(host)),
        deliver: ({ recipients }) =>
          Promise.resolve(recipients.map((recipient) => ({ recipient, outcome: 'duplicate' }))),
        put: () => Promise.resolve(),
      }),
    },
  },
  {
    name: 'tail under new ids',
    what: 'the mail in quarantine is delivered as if it were new',
    breaks: 'S20',
    budgetSeeds: 20,
    faults: ['active lost behind a cut'],
    mode: 'async',
    ports: {
      wrapReturn: (returnMail) => async (host) => {
        const mail = await returnMail(host);
        let attempts = 0;
        return {
          ...mail,
          deliver: (delivery) => {
            attempts += 1;
            const deliveryId = sha256(delivery.deliveryId, Buffer.from(String(attempts))).subarray(0, 16);
            return mail.deliver({ ...delivery, deliveryId });
          },
        };
      },
    },
  },
  {
    name: 'begins alone',
    what: 'a copy that becomes active forgets who else is in the in-sync set',
    breaks: 'C1',
    budgetSeeds: 20,
    faults: ['copy killed', 'move', 'link between nodes cut'],
    mode: 'sync',
    ports: activatedWith((grant, host) => ({ ...grant, inSync: [host] })),
  },
  {
    name: 'acknowledges on receipt',
    what: 'a passive copy acknowledges what has arrived and is not yet synced',
    breaks: 'S13',
    budgetSeeds: 10,
    mode: 'sync',
    ports: asTarget(acknowledgesOnReceipt),
  },
  {
    name: 'applies before the source',
    what: 'a passive copy applies records that are not committed',
    breaks: 'C8',
    budgetSeeds: 20,
    faults: ['slow disk', 'node cut off', 'slow link'],
    mode: 'sync',
    ports: asTarget(believesAllCommitted),
  },
  {
    name: 'answers as in async',
    what: 'the active copy waits for nobody, whatever the mode',
    breaks: 'C1',
    budgetSeeds: 10,
    mode: 'sync',
    ports: activatedWith((grant) => ({ ...grant, mode: 'async' })),
  },
  {
    name: 'strict taken for sync',
    what: 'in sync-strict a copy that is alone answers nevertheless',
    breaks: 'C3',
    budgetSeeds: 20,
    faults: ['kill', 'power loss', 'node cut off'],
    mode: 'sync-strict',
    ports: activatedWith((grant) => ({ ...grant, mode: 'sync' })),
  },
  {
    name: 'no epoch check',
    what: 'a passive copy follows whoever calls itself active, under a lower epoch than it has seen as well',
    breaks: 'S4',
    budgetSeeds: 60,
    faults: ['old owner wakes'],
    mode: 'sync',
    ports: asTarget(knowsNoEpochs),
  },
  {
    name: 'frames not verified',
    what: 'nobody looks whether the frame that comes is the next one, and what was sent',
    breaks: 'S4',
    budgetSeeds: 20,
    faults: ['noisy link'],
    mode: 'sync',
    ports: { network: { isUnsealed: true } },
  },
];
