/**
 * The envelope of a message as IMAP shows it (RFC 3501 7.4.2): a few fields of the header, addresses taken apart, text
 * unfolded but not decoded.
 */
import { type EnvelopeAddress, parseAddressList } from './address-list.ts';
import { type HeaderField, headerText } from './header.ts';
import { MAX_ADDRESSES, MAX_HEADER_TEXT_BYTES } from './limits.ts';

export interface Envelope {
  readonly date: string | null;
  readonly subject: string | null;
  /** Empty lists are NIL. Of several fields of a name (against RFC 5322, but they come) all addresses count. */
  readonly from: readonly EnvelopeAddress[];
  /** The same array as `from` when the message has none. */
  readonly sender: readonly EnvelopeAddress[];
  readonly replyTo: readonly EnvelopeAddress[];
  readonly to: readonly EnvelopeAddress[];
  readonly cc: readonly EnvelopeAddress[];
  readonly bcc: readonly EnvelopeAddress[];
  readonly inReplyTo: string | null;
  readonly messageId: string | null;
}

export function readEnvelope(bytes: Buffer, fields: readonly HeaderField[]): Envelope {
  const builder = new EnvelopeBuilder(bytes);
  for (const field of fields) builder.take(field);
  return builder.finish();
}

type TextName = 'date' | 'subject' | 'inReplyTo' | 'messageId';
type ListName = 'from' | 'sender' | 'replyTo' | 'to' | 'cc' | 'bcc';

const TEXT_FIELDS = new Map<string, TextName>([
  ['date', 'date'],
  ['subject', 'subject'],
  ['in-reply-to', 'inReplyTo'],
  ['message-id', 'messageId'],
]);

const LIST_FIELDS = new Map<string, ListName>([
  ['from', 'from'],
  ['sender', 'sender'],
  ['reply-to', 'replyTo'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['bcc', 'bcc'],
]);

class EnvelopeBuilder {
  readonly #bytes: Buffer;
  readonly #texts: Record<TextName, string | null> = { date: null, subject: null, inReplyTo: null, messageId: null };
  readonly #lists: Record<ListName, EnvelopeAddress[]> = { from: [], sender: [], replyTo: [], to: [], cc: [], bcc: [] };

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(field: HeaderField): void {
    const list = LIST_FIELDS.get(field.lowerName);
    if (list !== undefined) this.#takeAddresses(this.#lists[list], field);
    const text = TEXT_FIELDS.get(field.lowerName);
    if (text !== undefined) this.#texts[text] ??= headerText(this.#bytes, field, MAX_HEADER_TEXT_BYTES);
  }

  #takeAddresses(list: EnvelopeAddress[], field: HeaderField): void {
    const room = MAX_ADDRESSES - list.length;
    if (room > 0) list.push(...parseAddressList(headerText(this.#bytes, field), room));
  }

  finish(): Envelope {
    const { from, sender, replyTo, to, cc, bcc } = this.#lists;
    return {
      ...this.#texts,
      from,
      sender: sender.length === 0 ? from : sender,
      replyTo: replyTo.length === 0 ? from : replyTo,
      to,
      cc,
      bcc,
    };
  }
}
