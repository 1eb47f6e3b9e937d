/**
 * As much of IP addresses as the rules for networks need: read one, compare two by subnet, know the private ranges and
 * those that a machine gives to itself when no server answered it. By hand: the cluster's part imports nothing.
 */

export interface IpAddress {
  /** 4 or 16 bytes. */
  readonly bytes: readonly number[];
}

const IPV6_GROUPS = 8;

/** undefined for what is no literal address, a host name for instance. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bytes = text.includes(':') ? parseV6(text) : parseV4(text);
  return bytes && { bytes };
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** RFC 4291, section 2.2, forms 1 and 2. */
function parseV6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...left, ...right];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const missing = IPV6_GROUPS - groups.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

/** Whether two addresses lie in one subnet of `prefixLength` bits. A v4 and a v6 address never do. */
export function isSameSubnet(one: IpAddress, other: IpAddress, prefixLength: number): boolean {
  if (one.bytes.length !== other.bytes.length) return false;
  for (let bit = 0; bit < prefixLength; bit += 8) {
    const mask = prefixLength - bit >= 8 ? 0xff : (0xff << (8 - (prefixLength - bit))) & 0xff;
    if (((one.bytes[bit / 8] ?? 0) & mask) !== ((other.bytes[bit / 8] ?? 0) & mask)) return false;
  }
  return true;
}

/** RFC 3927 and RFC 4291: what a machine draws for itself. */
export function isLinkLocal({ bytes }: IpAddress): boolean {
  const [first = 0, second = 0] = bytes;
  return bytes.length === 4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
}

/** RFC 1918, RFC 4193, and the loopback ranges, which leave no machine. */
export function isPrivateRange({ bytes }: IpAddress): boolean {
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 16) return (first & 0xfe) === 0xfc || isLoopbackV6(bytes);
  return (
    first === 10 || first === 127 || (first === 172 && (second & 0xf0) === 16) || (first === 192 && second === 168)
  );
}

function isLoopbackV6(bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}
