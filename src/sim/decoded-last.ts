/**
 * Decodes, and remembers the last one: a vote is read, asked and answered again and again, and nearly always it is what it
 * was. Equal bytes are the same value; a changed byte is decoded, and checked, anew.
 */
export function decodedLast<T>(decode: (bytes: Buffer) => T): (bytes: Buffer) => T {
  let last: { readonly bytes: Buffer; readonly value: T } | undefined;
  return (bytes) => {
    if (last?.bytes.equals(bytes) !== true) last = { bytes, value: decode(bytes) };
    return last.value;
  };
}
