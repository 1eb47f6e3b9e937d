/** What several planted bugs do to the register: it shows them another document, or other changes than were decided. */
import type { Decide, Register } from '../../cluster/register.ts';
import type { RegisterDocument, StorageGroupRecord } from '../../cluster/register-document.ts';
import { altered } from './planted-bug.ts';

type AlterGroup = (group: StorageGroupRecord) => StorageGroupRecord;

/** Every storage group of `document` as `alter` makes it. */
function withGroups(
  document: RegisterDocument,
  alter: (name: string, group: StorageGroupRecord) => StorageGroupRecord,
) {
  const entries = Object.entries(document.storageGroups).map(([name, group]) => [name, alter(name, group)] as const);
  return { ...document, storageGroups: Object.fromEntries(entries) };
}

/** The register as somebody sees it who is shown `show(document)`, when peeking and when deciding. */
export function shown(register: Register, show: (document: RegisterDocument) => RegisterDocument): Register {
  return altered(register, {
    change: (decide: Decide, options: { timeoutMs: number }) =>
      register.change((document) => decide(document && show(document)), options),
    peek: async (options: { timeoutMs: number }) => {
      const peeked = await register.peek(options);
      return peeked && { ...peeked, document: show(peeked.document) };
    },
  });
}

export function shownGroups(register: Register, show: AlterGroup): Register {
  return shown(register, (document) => withGroups(document, (_name, group) => show(group)));
}

/** What was decided, as `alter` writes it instead. */
export function rewritten(
  register: Register,
  alter: (before: RegisterDocument, after: RegisterDocument) => RegisterDocument,
): Register {
  return altered(register, {
    change: (decide: Decide, options: { timeoutMs: number }) =>
      register.change((document) => {
        const decided = decide(document);
        return decided === undefined || document === undefined ? decided : alter(document, decided);
      }, options),
  });
}

/** The same for each storage group that was there before. */
export function rewrittenGroups(
  register: Register,
  alter: (before: StorageGroupRecord, after: StorageGroupRecord) => StorageGroupRecord,
): Register {
  return rewritten(register, (before, after) =>
    withGroups(after, (name, group) => {
      const known = before.storageGroups[name];
      return known === undefined ? group : alter(known, group);
    }),
  );
}

/** Nobody who looks at the register learns how far the log reached; what it holds stays. */
export function withoutHint(register: Register): Register {
  const kept = rewrittenGroups(register, (before, after) =>
    after.hint.lsn > 0 && after.hint.lsn !== before.hint.lsn ? after : { ...after, hint: before.hint },
  );
  return shownGroups(kept, (group) => ({ ...group, hint: { lsn: 0, generation: 0 } }));
}
