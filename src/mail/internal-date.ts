/**
 * Dates in the three forms that mail has: IMAP's date-time (INTERNALDATE, APPEND), IMAP's date (SEARCH), and the Date
 * field (RFC 5322 3.3 with the obsolete forms of 4.3), which is read tolerantly because strangers write it.
 * All times are milliseconds since 1970 in UTC; nothing here knows what time it is.
 */
import { MAX_DATE_CHARACTERS } from './limits.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH_NAMES = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

interface CalendarTime {
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** East of Greenwich. */
  readonly zoneMinutes: number;
}

/** `17-Jul-1996 02:44:25 -0700`, or ` 7-Jul-1996 …` (RFC 3501 9, date-time, without its quotes). */
export function parseInternalDate(text: string): number | undefined {
  const match = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})$/.exec(text);
  if (match === null) return undefined;
  const [day, month, year, hour, minute, second, zone] = match.slice(1) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const zoneMinutes = parseNumericZone(zone);
  if (zoneMinutes === undefined) return undefined;
  return toMs({
    year: Number(year),
    month: MONTHS.indexOf(month.toLowerCase()),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    zoneMinutes,
  });
}

/** The same form, in UTC. */
export function formatInternalDate(timeMs: number): string {
  const date = new Date(timeMs);
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((n) => String(n).padStart(2, '0'));
  return `${day}-${MONTH_NAMES[date.getUTCMonth()]}-${year} ${time.join(':')} +0000`;
}

/** `1-Feb-1994` (RFC 3501 9, date, without quotes): the start of that day in UTC. */
export function parseSearchDate(text: string): number | undefined {
  const match = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  if (match === null) return undefined;
  const [day, month, year] = match.slice(1) as [string, string, string];
  return toMs({ ...MIDNIGHT, year: Number(year), month: MONTHS.indexOf(month.toLowerCase()), day: Number(day) });
}

/** The start of the day, in UTC, that `timeMs` lies in. */
export function startOfDayMs(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

/** The moment that a Date field names; undefined when it cannot be read. */
export function parseMessageDate(text: string): number | undefined {
  const time = readMessageDate(text);
  return time && toMs(time);
}

/** The day that a Date field names, its zone disregarded as SENTON wants it (RFC 3501 6.4.4): its start as if in UTC. */
export function parseMessageDay(text: string): number | undefined {
  const time = readMessageDate(text);
  return time && toMs({ ...time, ...MIDNIGHT });
}

const MIDNIGHT = { hour: 0, minute: 0, second: 0, zoneMinutes: 0 };

function toMs(time: CalendarTime): number | undefined {
  const { year, month, day, hour, minute, second, zoneMinutes } = time;
  // A leap second is the moment after it. setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  if (month < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  if (date.getUTCDate() !== day || date.getUTCMonth() !== month) return undefined;
  return date.getTime() + ((hour * 60 + minute - zoneMinutes) * 60 + second) * 1_000;
}

function parseNumericZone(zone: string): number | undefined {
  if (!/^[+-]\d{4}$/.test(zone)) return undefined;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3));
  if (Number(zone.slice(3)) > 59) return undefined;
  return zone.startsWith('-') ? -minutes : minutes;
}

/** Words by what they look like, not by their place: the day's name, commas and comments may be anywhere or missing. */
function readMessageDate(text: string): CalendarTime | undefined {
  const words = withoutComments(text.slice(0, MAX_DATE_CHARACTERS)).split(/[\s,]+/);
  const monthIndex = words.findIndex((word) => monthOf(word) !== -1);
  const clockIndex = words.findIndex((word) => word.includes(':'));
  const clock = parseClock(words[clockIndex] ?? '');
  if (monthIndex === -1 || clock === undefined) return undefined;
  const month = monthOf(words[monthIndex] as string);
  const zoneMinutes = parseZone(words.slice(clockIndex + 1));
  const numbers = words.filter((word, index) => index !== clockIndex && /^\d{1,4}$/.test(word)).map(Number);
  const parts = (words[monthIndex] as string).split('-');
  // `17-Jul-1996` in one word, else the day and the year are the first two plain numbers.
  const [day, year] = parts.length === 3 ? [Number(parts[0]), Number(parts[2])] : numbers;
  if (day === undefined || year === undefined || !Number.isInteger(day) || !Number.isInteger(year)) return undefined;
  return { year: fullYear(year), month, day, ...clock, zoneMinutes };
}

function monthOf(word: string): number {
  const parts = word.split('-');
  const name = parts.length === 3 ? (parts[1] as string) : word;
  return /^[A-Za-z]{3,9}\.?$/.test(name) ? MONTHS.indexOf(name.slice(0, 3).toLowerCase()) : -1;
}

function parseClock(word: string): { hour: number; minute: number; second: number } | undefined {
  const match = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d+)?$/.exec(word);
  if (match === null) return undefined;
  return { hour: Number(match[1]), minute: Number(match[2]), second: Number(match[3] ?? 0) };
}

/** RFC 5322 4.3: two digits are 1950 to 2049, three count from 1900. */
function fullYear(year: number): number {
  if (year < 50) return 2000 + year;
  return year < 1000 ? 1900 + year : year;
}

const NAMED_ZONES_HOURS = new Map([
  ['edt', -4],
  ['est', -5],
  ['cdt', -5],
  ['cst', -6],
  ['mdt', -6],
  ['mst', -7],
  ['pdt', -7],
  ['pst', -8],
  ['bst', 1],
  ['cet', 1],
  ['cest', 2],
]);

/** The first word behind the time that is a zone; unknown names say nothing and count as UTC (RFC 5322 4.3). */
function parseZone(words: readonly string[]): number {
  for (const word of words) {
    const numeric = parseNumericZone(word);
    if (numeric !== undefined) return Math.abs(numeric) * MINUTE_MS < DAY_MS ? numeric : 0;
    const hours = NAMED_ZONES_HOURS.get(word.toLowerCase());
    if (hours !== undefined) return hours * 60;
  }
  return 0;
}

function withoutComments(text: string): string {
  let result = '';
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) result += character;
  }
  return result;
}
