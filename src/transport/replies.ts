/**
 * Everything the hub says that is not the library's own: reply code, enhanced status code (RFC 3463) and a text that
 * repeats nothing of what the client sent, so that no attacker can put words into our mouth.
 */

export interface Reply {
  readonly code: number;
  /** Begins with the enhanced status code. */
  readonly text: string;
}

function reply(code: number, text: string): Reply {
  return { code, text };
}

export const replies = {
  /** The id lets an administrator find the message in every log. */
  accepted: (deliveryId: Buffer) => reply(250, `2.0.0 OK ${deliveryId.toString('hex')}`),
  internal: reply(451, '4.3.0 Internal error, try again later'),
  refused: reply(550, '5.2.0 The mailbox does not take this message'),
  notTaken: {
    'no-copy': reply(451, '4.4.0 No storage can take the message now, try again later'),
    'queue-full': reply(452, '4.3.1 The queue is full, try again later'),
    refused: reply(451, '4.3.0 The storage did not take the message, try again later'),
  },
  /** By the store's code for a recipient. */
  refusals: {
    MailboxUnknown: reply(550, '5.1.1 No such mailbox here'),
    MailboxFull: reply(452, '4.2.2 The mailbox is full'),
    MailboxTooSmall: reply(552, '5.2.2 The mailbox may not hold so large a message'),
    MessageTooLarge: reply(552, '5.3.4 The message is too large'),
  } as Readonly<Record<string, Reply>>,
  recipient: {
    unknown: reply(550, '5.1.1 No such mailbox here'),
    'not-local': reply(550, '5.7.1 Relaying denied'),
    undecided: reply(451, '4.4.3 The directory does not answer, try again later'),
  },
  /** One answer for recipients that fared differently: only a retry can bring the message to the rest. */
  mixed: reply(451, '4.3.0 Not all recipients were reached, try again later'),
  unclean: reply(550, '5.6.11 Bare CR, bare LF or NUL in the message'),
  tooLarge: reply(552, '5.3.4 The message is too large'),
  loop: reply(554, '5.4.6 Mail loop: too many Received fields'),
  notOneFrom: reply(554, '5.6.0 A submitted message has exactly one From field'),
  memory: reply(452, '4.3.1 Too many messages are being received, try again later'),
  noRecipients: reply(503, '5.5.1 RCPT first'),
  badSender: reply(553, '5.1.7 Not an address'),
  senderNotLogin: reply(553, '5.7.1 The sender is not the one who logged in'),
  loginFirst: reply(530, '5.7.0 Log in first'),
  startTlsFirst: reply(538, '5.7.11 Passwords need STARTTLS'),
  loginWrong: reply(535, '5.7.8 Wrong user or password'),
  loginUnavailable: reply(454, '4.7.0 Logins cannot be checked now, try again later'),
  tooManyFromAddress: reply(421, '4.7.0 Too many connections from this address'),
  tooManyErrors: reply(421, '4.7.0 Too many errors'),
  tooSlow: reply(421, '4.4.2 The message took too long'),
  notHere: reply(502, '5.5.1 Not implemented, goodbye'),
  badLine: reply(500, '5.5.2 CR or NUL in a command, goodbye'),
  closing: reply(421, '4.3.2 The service is closing'),
};
