/** What the header of one MIME part says about its body (RFC 2045, 2183, 3282, 2557, 1864). */
import { type HeaderField, headerText } from './header.ts';
import { MAX_HEADER_TEXT_BYTES } from './limits.ts';
import {
  type ContentType,
  type Disposition,
  type Parameter,
  parseContentType,
  parseDisposition,
  parseLanguages,
  parseToken,
} from './parameters.ts';

export interface PartFields {
  /** Lower case, like `subtype`. */
  readonly type: string;
  readonly subtype: string;
  /** Continuations joined, charsets not decoded: see parameters.ts. */
  readonly parameters: readonly Parameter[];
  /** Content-ID with its angle brackets. */
  readonly id: string | null;
  readonly description: string | null;
  /** Content-Transfer-Encoding in lower case; `7bit` when the header has none. */
  readonly encoding: string;
  readonly disposition: Disposition | null;
  readonly languages: readonly string[];
  readonly location: string | null;
  readonly md5: string | null;
}

/** RFC 2045 5.2: what a part is when its header does not say, or says it wrongly. */
export const PLAIN_TEXT: ContentType = {
  type: 'text',
  subtype: 'plain',
  parameters: [{ name: 'charset', value: 'us-ascii' }],
};

/** RFC 2046 5.1.5: the same inside a multipart/digest. */
export const EMBEDDED_MESSAGE: ContentType = { type: 'message', subtype: 'rfc822', parameters: [] };

const MIME_FIELDS = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'content-disposition',
  'content-language',
  'content-location',
  'content-md5',
]);

/** The first field of each name counts. `fallback` is the type of a part without a Content-Type. */
export function readPartFields(bytes: Buffer, fields: readonly HeaderField[], fallback: ContentType): PartFields {
  const texts = new Map<string, string>();
  for (const field of fields) {
    const name = field.lowerName;
    if (!name.startsWith('content-') || !MIME_FIELDS.has(name) || texts.has(name)) continue;
    texts.set(name, headerText(bytes, field, MAX_HEADER_TEXT_BYTES));
  }
  const typeText = texts.get('content-type');
  const type = typeText === undefined ? fallback : (parseContentType(typeText) ?? PLAIN_TEXT);
  const dispositionText = texts.get('content-disposition');
  const languageText = texts.get('content-language');
  return {
    type: type.type,
    subtype: type.subtype,
    parameters: type.parameters,
    id: texts.get('content-id') ?? null,
    description: texts.get('content-description') ?? null,
    encoding: parseToken(texts.get('content-transfer-encoding') ?? '') || '7bit',
    disposition: dispositionText === undefined ? null : (parseDisposition(dispositionText) ?? null),
    languages: languageText === undefined ? [] : parseLanguages(languageText),
    location: texts.get('content-location') ?? null,
    md5: texts.get('content-md5') ?? null,
  };
}
