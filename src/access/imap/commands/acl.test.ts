import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, type ImapWorld, literal, makeWorld } from '../testing/imap-world.ts';

const ANN = 'ann@example.org';
const INBOX = `"Other Users/jo@example.org/INBOX"`;

/** Jo, who owns a mailbox with a message in INBOX, and Ann. */
async function jointWorld(): Promise<{ world: ImapWorld; jo: Client; ann: Client }> {
  const world = await makeWorld();
  const other = await world.store.createMailbox({ address: ANN, displayName: 'Ann', credential: null });
  const jo = new Client(world);
  const ann = new Client(world, { mailboxId: other.id });
  await jo.say(`a APPEND INBOX (\\Flagged) ${literal('Subject: one\r\n\r\none\r\n')}`);
  return { world, jo, ann };
}

async function code(client: Client, command: string): Promise<string> {
  const lines = (await client.say(`a ${command}`)).trimEnd().split('\n');
  return (
    /^a (\w+ ?(?:\[\w+)?)/
      .exec(lines.at(-1) ?? '')?.[1]
      ?.replace('[', '')
      .trim() ?? ''
  );
}

test('acl: the owner: all rights, which cannot be taken away; others are given some by name', async () => {
  const { jo } = await jointWorld();
  assert.match(await jo.say('a CAPABILITY'), / ACL RIGHTS=kxte /);
  assert.match(await jo.say('a NAMESPACE'), /\(\("" "\/"\)\) \(\("Other Users\/" "\/"\)\) NIL/);
  assert.match(await jo.say('a MYRIGHTS INBOX'), /^\* MYRIGHTS INBOX lrswipkxteacd\n/);
  await jo.say(`a SETACL INBOX ${ANN} lrc`, 'a SETACL INBOX anyone l', `a SETACL INBOX ${ANN} +t`);
  assert.match(
    await jo.say('a GETACL INBOX'),
    /^\* ACL INBOX jo@example\.org lrswipkxteacd anyone l ann@example\.org lrkxtcd\n/,
  );
  await jo.say(`a SETACL INBOX ${ANN} -kt`, 'a DELETEACL INBOX anyone');
  assert.match(await jo.say('a GETACL INBOX'), /^\* ACL INBOX jo@example\.org lrswipkxteacd ann@example\.org lrxc\n/);
  assert.match(
    await jo.say(`a LISTRIGHTS INBOX ${ANN}`),
    /^\* LISTRIGHTS INBOX ann@example\.org "" l r s w i p k x t e a c d\n/,
  );
  assert.match(
    await jo.say('a LISTRIGHTS INBOX jo@example.org'),
    /^\* LISTRIGHTS INBOX jo@example\.org lrswipkxteacd\n/,
  );
  assert.equal(await code(jo, 'SETACL INBOX jo@example.org l'), 'NO CANNOT');
  assert.equal(await code(jo, 'SETACL INBOX nobody@example.org l'), 'NO CANNOT');
  assert.equal(await code(jo, `SETACL INBOX -${ANN} l`), 'NO CANNOT');
  assert.equal(await code(jo, `SETACL INBOX ${ANN} lQ`), 'BAD');
});

test('acl: no rights: folders of others are not there, whatever is tried', async () => {
  const { jo, ann } = await jointWorld();
  await jo.say('a CREATE work');
  for (const command of [
    `SELECT ${INBOX}`,
    `STATUS ${INBOX} (MESSAGES)`,
    `DELETE "Other Users/jo@example.org/work"`,
    `RENAME "Other Users/jo@example.org/work" x`,
    `SUBSCRIBE ${INBOX}`,
    `MYRIGHTS ${INBOX}`,
    `GETACL ${INBOX}`,
    `SETACL ${INBOX} ${ANN} lrswipkxtea`,
    `GETMETADATA ${INBOX} /shared/comment`,
    `SETMETADATA ${INBOX} (/shared/comment "x")`,
    `GETQUOTAROOT ${INBOX}`,
    'SELECT "Other Users/nobody@example.org/INBOX"',
  ]) {
    assert.equal(await code(ann, command), 'NO NONEXISTENT', command);
  }
  assert.equal(await code(ann, `APPEND ${INBOX} ${literal('x')}`), 'NO TRYCREATE');
  assert.equal(await code(ann, 'CREATE "Other Users/jo@example.org/new"'), 'NO NOPERM');
  assert.equal(await code(ann, 'CREATE "Other Users/jo@example.org/work/new"'), 'NO NOPERM');
  assert.equal(await code(ann, 'CREATE "Other Users"'), 'NO CANNOT');
  assert.doesNotMatch(await ann.say('a LIST "" *'), /Other Users/);
});

test('acl: l and r: listed, read, nothing changed', async () => {
  const { jo, ann } = await jointWorld();
  await jo.say(`a SETACL INBOX ${ANN} l`);
  assert.equal(await code(ann, `SELECT ${INBOX}`), 'NO NOPERM');
  await jo.say(`a SETACL INBOX ${ANN} lr`);
  assert.match(
    await ann.say('a LIST "" *'),
    /\* LIST \(\\HasNoChildren\) "\/" "Other Users\/jo@example\.org\/INBOX"\n/,
  );
  assert.match(await ann.say('a LIST "" %'), /\* LIST \(\\Noselect \\HasChildren\) "\/" "Other Users"\n/);
  assert.match(
    await ann.say(`a STATUS ${INBOX} (MESSAGES)`),
    /STATUS "Other Users\/jo@example\.org\/INBOX" \(MESSAGES 1\)/,
  );
  const selected = await ann.say(`a SELECT ${INBOX}`);
  assert.match(selected, /PERMANENTFLAGS \(\)/);
  assert.match(selected, /a OK \[READ-ONLY\]/);
  assert.match(await ann.say('a FETCH 1 BODY[TEXT]'), /^\* 1 FETCH \(BODY\[TEXT\] \{5\}\none\n\)\n/);
  for (const command of ['STORE 1 +FLAGS (\\Seen)', 'EXPUNGE', 'MOVE 1 INBOX']) {
    assert.match(await code(ann, command), /^NO/, command);
  }
  assert.equal(await code(ann, `SETACL ${INBOX} ${ANN} lrswipkxtea`), 'NO NOPERM');
  assert.match(await ann.say('a COPY 1 INBOX'), /a OK \[COPYUID/);
  assert.match(await ann.say('a SELECT INBOX', 'a FETCH 1 FLAGS'), /FETCH \(FLAGS \(\\Flagged\)\)/);
  assert.match(await jo.say('a SELECT INBOX', 'a FETCH 1 FLAGS'), /FLAGS \(\\Flagged/);
});

test('acl: s, w, t, e: each allows its flags, and no more', async () => {
  const { jo, ann } = await jointWorld();
  await jo.say(`a SETACL INBOX ${ANN} lrs`);
  assert.match(await ann.say(`a SELECT ${INBOX}`), /PERMANENTFLAGS \(\\Seen\)[\s\S]*\[READ-WRITE\]/);
  assert.match(await ann.say('a STORE 1 FLAGS (\\Seen \\Deleted kw)'), /FLAGS \(\\Flagged \\Seen/);
  assert.equal(await code(ann, 'STORE 1 +FLAGS (\\Deleted)'), 'NO NOPERM');
  assert.equal(await code(ann, 'STORE 1 +FLAGS (kw)'), 'NO NOPERM');
  await jo.say(`a SETACL INBOX ${ANN} lrwt`);
  assert.match(await ann.say('a STORE 1 FLAGS (\\Deleted kw)'), /FLAGS \(\\Deleted \\Seen kw/);
  assert.equal(await code(ann, 'STORE 1 -FLAGS (\\Seen)'), 'NO NOPERM');
  assert.equal(await code(ann, 'EXPUNGE'), 'NO NOPERM');
  assert.equal(await code(ann, 'UID EXPUNGE 1'), 'NO NOPERM');
  assert.equal(await code(ann, 'CLOSE'), 'OK');
  assert.match(await jo.say('a STATUS INBOX (MESSAGES)'), /MESSAGES 1/, 'CLOSE without e removes nothing');
  await jo.say(`a SETACL INBOX ${ANN} lre`);
  await ann.say(`a SELECT ${INBOX}`);
  assert.match(await ann.say('a EXPUNGE'), /^\* 1 EXPUNGE\na OK/);
});

test('acl: i: what is put there has the flags that may be set there', async () => {
  const { jo, ann } = await jointWorld();
  await jo.say('a CREATE drop', `a SETACL drop ${ANN} lis`);
  const drop = '"Other Users/jo@example.org/drop"';
  assert.match(await ann.say(`a APPEND ${drop} (\\Seen \\Flagged kw) ${literal('one')}`), /^a OK \[APPENDUID/);
  await ann.say(`a APPEND INBOX (\\Seen \\Deleted \\Flagged kw) ${literal('two')}`, 'a SELECT INBOX');
  assert.match(await ann.say(`a COPY 1 ${drop}`), /^a OK \[COPYUID/);
  assert.match(await ann.say(`a MOVE 1 ${drop}`), /a OK/);
  const flags = (await jo.say('a SELECT drop', 'a FETCH 1:* FLAGS')).match(/FLAGS \([^)]*\)\)/g);
  assert.deepEqual(flags, Array(3).fill('FLAGS (\\Seen))'));
});

test('acl: k and x: folders are made below, with the rights of the one above, renamed and deleted', async () => {
  const { jo, ann } = await jointWorld();
  const at = (name: string) => `"Other Users/jo@example.org/${name}"`;
  await jo.say('a CREATE team', `a SETACL team ${ANN} lrkxa`);
  assert.match(await ann.say(`a CREATE ${at('team/a/b')}`), /^a OK/);
  assert.match(await ann.say(`a MYRIGHTS ${at('team/a/b')}`), / lrkxac\n/);
  assert.match(await ann.say(`a RENAME ${at('team/a/b')} ${at('team/c')}`), /^a OK/);
  assert.equal(await code(ann, `RENAME ${at('team/c')} mine`), 'NO CANNOT');
  assert.equal(await code(ann, `RENAME ${at('team/c')} ${at('c')}`), 'NO NOPERM');
  assert.match(await ann.say(`a SETACL ${at('team/c')} anyone lr`), /^a OK/);
  assert.match(await ann.say(`a DELETE ${at('team/a')}`), /^a OK/);
  assert.match(
    await ann.say(`a SUBSCRIBE ${at('team/c')}`, 'a LSUB "" "Other Users/*"'),
    /\* LSUB \(\) "\/" "Other Users\/jo@/,
  );
  assert.match(await jo.say('a LIST "" team/*'), /team\/c\n/);
});

test('acl: a right is taken away while the folder is selected: it is gone with the next command', async () => {
  const { jo, ann } = await jointWorld();
  await jo.say(`a SETACL INBOX ${ANN} lrw`);
  await ann.say(`a SELECT ${INBOX}`);
  await jo.say(`a SETACL INBOX ${ANN} lr`);
  assert.equal(await code(ann, 'STORE 1 +FLAGS (kw)'), 'NO NOPERM');
  await ann.say('a IDLE');
  await jo.say(`a DELETEACL INBOX ${ANN}`, `a APPEND INBOX ${literal('secret')}`);
  assert.match(await ann.settle(), /^\* BYE/);
  assert.ok(ann.isClosed);
});

test('acl: metadata and quota of a folder of another mailbox: shared values need w, private ones are one’s own', async () => {
  const { world, jo, ann } = await jointWorld();
  await world.store.settings.setLimits(world.mailboxId, { messages: 2 });
  await jo.say(`a SETACL INBOX ${ANN} lri`, 'a SETMETADATA INBOX (/shared/comment "ours" /private/comment "jo")');
  assert.equal(await code(ann, `SETMETADATA ${INBOX} (/shared/comment "x")`), 'NO NOPERM');
  assert.match(await ann.say(`a SETMETADATA ${INBOX} (/private/comment "ann")`), /^a OK/);
  const told = await ann.say(`a GETMETADATA ${INBOX} (/shared/comment /private/comment)`);
  assert.match(told, /\(\/shared\/comment "ours" \/private\/comment "ann"\)/);
  assert.match(await ann.say(`a GETQUOTAROOT ${INBOX}`), /\* QUOTA jo@example\.org \(MESSAGE 1 2\)/);
  await ann.say(`a APPEND ${INBOX} ${literal('two')}`);
  assert.equal(await code(ann, `APPEND ${INBOX} ${literal('three')}`), 'NO OVERQUOTA');
});
