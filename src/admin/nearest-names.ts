/** Which names somebody may have meant: for "did you mean" lines. */

/** Longer words are not compared: the cost is the product of the lengths. */
const MAX_COMPARED_LENGTH = 80;

/** At most `limit` of `names`, the nearest first; those that begin alike count as near. */
export function nearestNames(wanted: string, names: readonly string[], limit: number): readonly string[] {
  const word = wanted.toLowerCase().slice(0, MAX_COMPARED_LENGTH);
  const tolerance = Math.max(2, Math.floor(word.length / 3));
  return names
    .map((name) => ({ name, distance: distanceTo(word, name.toLowerCase()) }))
    .filter((candidate) => candidate.distance <= tolerance)
    .toSorted((left, right) => left.distance - right.distance || (left.name < right.name ? -1 : 1))
    .slice(0, limit)
    .map((candidate) => candidate.name);
}

function distanceTo(word: string, name: string): number {
  if (word.length >= 3 && name.startsWith(word)) return 0;
  // A noun without its verb, as in "StorageGroupCopyStatus".
  if (word.length >= 5 && name.includes(word)) return 1;
  const whole = editDistance(word, name.slice(0, MAX_COMPARED_LENGTH));
  // Mistyped and cut short, as in "Get-Stoage".
  return word.length < 5 ? whole : Math.min(whole, editDistance(word, name.slice(0, word.length)) + 1);
}

/** Levenshtein's distance, one row at a time. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
