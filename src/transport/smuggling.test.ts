/**
 * SMTP smuggling: every false end of data that is known to have fooled somebody, followed by a whole second
 * transaction, sent at once and cut at every byte. The second transaction must never be seen: either there is one
 * message that contains it, or there is an error and the end of the connection.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceptionStory } from './testing/reception-story.ts';

const FALSE_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n\0.\r\n',
  '\r\0\n.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\0\n',
  '\r.\n',
  '\n.\r',
  '\r\n.\r\r\n',
  '\n..\n',
  '\n..\r\n',
  '\r..\r\n',
  '\r\n..\n',
  '\r\n..\r',
  '\r..\n',
  '\n..\r',
  '\r\n..\r\r\n',
];

/** These hold a true end of data; what makes them false is in front of it, and must end the connection there. */
const TRUE_ENDS_BEHIND_DIRT = ['\0\r\n.\r\n', '\r\r\n.\r\n', '\r\r\n.\r\r\n\r\n.\r\n'];

const SECOND = 'MAIL FROM:<evil@example.org>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\nsecond\r\n.\r\n';
const ENVELOPE = 'EHLO x\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n';

async function smuggle(story: ReceptionStory, content: string, cut: number): Promise<string> {
  const client = await story.client();
  await client.send(ENVELOPE);
  await client.until(() => client.heard.includes('354'));
  await client.send(content.slice(0, cut));
  if (cut < content.length) await client.send(content.slice(cut));
  return client.untilEnd();
}

test('smuggling: each false end, whole and cut at every byte: refused with 550, the second transaction is never seen', async () => {
  const story = await new ReceptionStory('smtp').start();
  const checkEnd = async (end: string) => {
    const content = `first${end}${SECOND}`;
    const lastCut = 'first'.length + end.length + 3;
    const cuts = [content.length, ...Array.from({ length: lastCut }, (_, index) => index + 1)];
    const heard = await Promise.all(cuts.map((cut) => smuggle(story, content, cut)));
    for (const [index, transcript] of heard.entries()) {
      assert.match(transcript, /\r\n550 5\.6\.11 [^\r]*\r\n$/, `${JSON.stringify(end)} cut at ${cuts[index]}`);
      assert.equal(transcript.split('\r\n354').length, 2, 'one DATA was answered');
    }
  };
  await Promise.all([...FALSE_ENDS, ...TRUE_ENDS_BEHIND_DIRT].map(checkEnd));
  assert.deepEqual(story.accepted, []);
  await story.stop();
});

test('smuggling: a dot-stuffed line between true line ends: one message, cut at every byte', async () => {
  const story = await new ReceptionStory('smtp').start();
  const content = 'first\r\n..\r\n..x\r\n\r\n.\r\nQUIT\r\n';
  await Promise.all(Array.from({ length: content.length }, (_, index) => smuggle(story, content, index + 1)));
  assert.equal(story.accepted.length, content.length);
  for (const body of story.bodies()) assert.equal(body, 'first\r\n.\r\n.x\r\n\r\n');
  await story.stop();
});

test('smuggling by LMTP: refused for each recipient, then the end', async () => {
  const story = await new ReceptionStory('lmtp').start();
  const client = await story.client();
  await client.send(
    'LHLO x\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<anna@example.com>\r\nRCPT TO:<bernd@example.com>\r\nDATA\r\n',
  );
  await client.until(() => client.heard.includes('354'));
  await client.send(`first\n.\r\n${SECOND}`);
  assert.match(await client.untilEnd(), /354[^\r]*\r\n550 5\.6\.11 [^\r]*\r\n550 5\.6\.11 [^\r]*\r\n$/);
  assert.deepEqual(story.accepted, []);
  await story.stop();
});
