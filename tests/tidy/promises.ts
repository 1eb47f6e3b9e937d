/** The sentences of docs/guarantees.md that promise something, in their order. */

/** What stands there is told as not promised, or is a measure. */
const PASSED_OVER = new Set(['Time', 'Not promised']);

export function promisedSentences(page: string): readonly string[] {
  const sections = page.split(/^## /m).slice(1);
  return sections.flatMap((section) => {
    const [title = '', ...lines] = section.split('\n');
    return PASSED_OVER.has(title)
      ? []
      : lines
          .join('\n')
          .split(/\n(?:- |\n)/)
          .flatMap(sentencesOf);
  });
}

/** Of one paragraph or point, without marks. */
function sentencesOf(text: string): readonly string[] {
  const plain = text
    .replace(/\s+/g, ' ')
    .replace(/\*\*|`/g, '')
    .replace(/^- /, '')
    .trim();
  return plain
    .split(/(?<=[.:)])\s+(?=[A-Z])/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '' && !sentence.includes('*(not yet)*') && !sentence.startsWith('('));
}
