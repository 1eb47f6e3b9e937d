/**
 * `npm run measure`: the shape of the tree in one row, on the definitions of source-tree.ts. Function length is the
 * number to watch; file length tells little.
 */
import { columns } from './columns.ts';
import { countLines, isTestFile, measureComments, measureFunctions, readSources } from './source-tree.ts';

const screenLines = 70;

/** The value that a share of the sorted values does not exceed. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return [percentile(sorted, 0.5), percentile(sorted, 0.9), sorted.at(-1) ?? 0].join(' / ');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((part / whole) * 100).toFixed(1)} %`;
}

function row(name: string, folder: string): string[] {
  const files = readSources(folder);
  const source = files.filter((file) => !isTestFile(file.path));
  const tests = files.filter((file) => isTestFile(file.path));
  if (folder === 'src') tests.push(...readSources('tests'));
  const fileLines = source.map((file) => countLines(file.text));
  const functionLines = source.flatMap((file) => measureFunctions(file).map((measured) => measured.lines));
  const comments = source.map(measureComments);
  const lines = sum(fileLines);
  return [
    name,
    String(source.length),
    String(lines),
    spread(fileLines),
    String(functionLines.length),
    spread(functionLines),
    percent(functionLines.filter((length) => length > screenLines).length, functionLines.length),
    percent(sum(comments.map((file) => file.commentLines)), sum(comments.map((file) => file.filledLines))),
    (sum(tests.map((file) => countLines(file.text))) / lines).toFixed(2),
  ];
}

const head = ['', 'files', 'lines', 'file med / p90 / max', 'functions', 'function med / p90 / max'];
head.push(`> ${screenLines} lines`, 'comments', 'test ÷ source');
const layers = [...new Set(readSources('src').map((file) => file.path.split('/')[1] ?? ''))];
const folders = layers.filter((layer) => layer !== '' && !layer.endsWith('.ts'));
console.log(columns([head, row('all', 'src'), ...folders.map((layer) => row(layer, `src/${layer}`))]));
