/**
 * A story without its refrains. What waits for something that does not come says so three times a second, and the lines that
 * tell why would be pushed off the end of what is printed.
 */

/** Lines that are looked back on: a refrain may have so many verses. */
const LOOK_BACK_LINES = 6;
/** At the beginning of a line: when it happened. */
const TIME = /^\s*([\d.]+)\s/;

/** `lines`: as Story has them. A line that repeats a late one but for its time and its count is counted there. */
export function foldStory(lines: readonly string[]): readonly string[] {
  const folded: { readonly line: string; readonly verse: string; times: number; lastTime: string }[] = [];
  for (const line of lines) {
    const time = TIME.exec(line)?.[1] ?? '';
    const verse = line.replace(TIME, '').replace(/ times=\d+/, '');
    const known = folded.slice(-LOOK_BACK_LINES).find((each) => each.verse === verse);
    if (known === undefined) folded.push({ line, verse, times: 1, lastTime: time });
    else {
      known.times += 1;
      known.lastTime = time;
    }
  }
  return folded.map(({ line, times, lastTime }) =>
    times === 1 ? line : `${line}  [${times} times, until ${lastTime}]`,
  );
}
