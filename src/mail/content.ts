/**
 * Message content on its way in. Bare CR, bare LF and NUL are what SMTP smuggling is made of (bytes that one server
 * takes for the end of a message and another does not), so they are found here, in bytes cut anywhere, before anything
 * is accepted. Counting and looking only: nothing is ever repaired and passed on.
 */

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0;

export type ContentDefect = 'bare CR' | 'bare LF' | 'NUL';

export class ContentScanner {
  #sizeBytes = 0;
  #receivedCount = 0;
  #defect: ContentDefect | undefined;
  #afterCr = false;
  #inHeader = true;
  /** Bytes of the current line so far, line end included. */
  #lineBytes = 0;
  #longestLineBytes = 0;
  /** Whether the current line has begun like `received:` so far. */
  #receivedSoFar = true;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Received fields of the header, for the limit of hops (RFC 5321 6.3). */
  get receivedCount(): number {
    return this.#receivedCount;
  }

  /** The first one found. */
  get defect(): ContentDefect | undefined {
    return this.#defect;
  }

  /** Of the longest line, line end included. */
  get longestLineBytes(): number {
    return Math.max(this.#longestLineBytes, this.#lineBytes);
  }

  add(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (byte === LF) this.#endLine();
      else {
        if (byte === NUL) this.#defect ??= 'NUL';
        if (this.#afterCr) this.#defect ??= 'bare CR';
        this.#afterCr = byte === CR;
        if (this.#inHeader && this.#receivedSoFar) this.#compareName(byte);
        this.#lineBytes += 1;
      }
    }
  }

  /** Call once behind the last chunk: a CR there has no LF any more. */
  finish(): void {
    if (this.#afterCr) this.#defect ??= 'bare CR';
    this.#afterCr = false;
  }

  #endLine(): void {
    if (!this.#afterCr) this.#defect ??= 'bare LF';
    const contentBytes = this.#lineBytes - (this.#afterCr ? 1 : 0);
    if (contentBytes === 0) this.#inHeader = false;
    this.#longestLineBytes = Math.max(this.#longestLineBytes, this.#lineBytes + 1);
    this.#lineBytes = 0;
    this.#afterCr = false;
    this.#receivedSoFar = true;
  }

  #compareName(byte: number): void {
    const expected = RECEIVED.charCodeAt(this.#lineBytes);
    // Setting bit 5 makes letters lower case and leaves the colon as it is.
    this.#receivedSoFar = (byte | 0x20) === expected;
    if (this.#receivedSoFar && this.#lineBytes === RECEIVED.length - 1) {
      this.#receivedCount += 1;
      this.#receivedSoFar = false;
    }
  }
}

const RECEIVED = 'received:';

/** Every CR LF, bare CR and bare LF as one CR LF: for content of our own making and of local files, never for relaying. */
export function toCrlf(bytes: Buffer): Buffer {
  let extra = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === LF && bytes[index - 1] !== CR) extra += 1;
    else if (byte === CR && bytes[index + 1] !== LF) extra += 1;
  }
  if (extra === 0) return bytes;
  const output = Buffer.allocUnsafe(bytes.length + extra);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    if (byte === LF && bytes[index - 1] !== CR) output[length++] = CR;
    output[length++] = byte;
    if (byte === CR && bytes[index + 1] !== LF) output[length++] = LF;
  }
  return output;
}
